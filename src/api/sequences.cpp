// C ABI: packed sequences.
#include "core/sequences.h"

#include "api/guard.h"
#include "core/struct_size.h"

using rondo::check_present;
using rondo::guarded;
using rondo::Status;

rondo_status_t rondo_batch_sizes_from_lengths(const int64_t *lengths, int64_t N, int32_t enforce_sorted,
                                              int64_t *batch_sizes, int64_t batch_sizes_room, int64_t *T, int64_t *S,
                                              int64_t *sorted_indices, int64_t *unsorted_indices) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("T", T));
    RONDO_TRY(check_present("S", S));
    rondo::BatchSizes out{batch_sizes, batch_sizes_room, sorted_indices, unsorted_indices, 0, 0};
    RONDO_TRY(rondo::batch_sizes_from_lengths(lengths, N, enforce_sorted, &out));
    *T = out.T;
    *S = out.S;
    return {};
  });
}

rondo_status_t rondo_pack_padded(const rondo_packing_t *packing, const void *padded, void *packed) {
  return guarded(__func__, [&]() -> Status {
    rondo_packing_t known{};
    RONDO_TRY(rondo::read_struct("packing", packing, &known));
    RONDO_TRY(rondo::check_packing(known));
    if (known.T > 0 && known.F > 0) {
      RONDO_TRY(check_present("padded", padded));
      RONDO_TRY(check_present("packed", packed));
    }
    rondo::pack_padded(known, padded, packed);
    return {};
  });
}

rondo_status_t rondo_pad_packed(const rondo_packing_t *packing, const void *packed, void *padded, int64_t *lengths) {
  return guarded(__func__, [&]() -> Status {
    rondo_packing_t known{};
    RONDO_TRY(rondo::read_struct("packing", packing, &known));
    RONDO_TRY(rondo::check_packing(known));
    if (known.T > 0 && known.F > 0) {
      RONDO_TRY(check_present("packed", packed));
    }
    if (known.padded_T > 0 && known.N > 0 && known.F > 0) {
      RONDO_TRY(check_present("padded", padded));
    }
    rondo::pad_packed(known, packed, padded, lengths);
    return {};
  });
}
