// Dropout between layers, by the rule of kernels/cell/dropout.h: one Philox block serves four neighbouring features, so
// a lane takes four whatever their alignment.
#include "kernels/cell/dropout.h"

#include "kernels/cuda/row_map.h"
#include "kernels/cuda/rows.h"

namespace rondo::kernels::cuda {
namespace {

inline constexpr int kFeatures = 4;

template <class S>
struct DropoutRows {
  const uint64_t *record;
  uint32_t layer;
  uint64_t threshold;
  Arithmetic<S> scale;
  const S *from;
  int64_t from_row, width;
  S *to;
  int64_t to_row;
};

template <class S, int K>
RONDO_DEVICE void drop(const PhiloxWords &words, const DropoutRows<S> &rows, const S *from, S *to, int64_t column) {
  using C = Arithmetic<S>;
  RONDO_UNROLL
  for (int j = 0; j < kFeatures; j += K) {
    if (column + j < rows.width) {
      C values[K];
      read_wide<C, K>(from + column + j, values);
      RONDO_UNROLL
      for (int k = 0; k < K; ++k) {
        values[k] = words.word[j + k] < rows.threshold ? C{0} : values[k] * rows.scale;
      }
      write_wide<C, K>(values, to + column + j);
    }
  }
}

template <class S, int K>
RONDO_KERNEL void dropout_kernel(const RowMap map, const DropoutRows<S> rows, const Tiling tiling) {
  RONDO_SHARED(uint64_t, 1, shared_key);
  if (thread() == 0) {
    shared_key.set(0, dropout_key(load_whole(rows.record), load_whole(rows.record + 1), rows.layer));
  }
  block_barrier();
  const uint64_t key = shared_key.get(0);
  for (int64_t t = block_x(); t < map.T; t += grid_x()) {
    const int64_t offset = step_offset(map, t);
    for (int64_t r = tiling.first_row(); r < map.N && has_place(map, t, r); r += tiling.row_stride()) {
      S *to = rows.to + (offset + r) * rows.to_row;
      if (!runs(map, t, r)) {
        fill_row<K>(Arithmetic<S>{0}, rows.width, to, tiling);
        continue;
      }
      const auto n = static_cast<uint32_t>(map.packed ? r : state_row(map, r));
      for (int64_t quad = tiling.lane(); quad * kFeatures < rows.width; quad += tiling.lanes()) {
        const PhiloxWords words = dropout_words(key, static_cast<uint32_t>(quad), n, static_cast<uint64_t>(t));
        drop<S, K>(words, rows, rows.from + (offset + r) * rows.from_row, to, quad * kFeatures);
      }
    }
  }
}

RONDO_KERNEL void record_seed_kernel(const uint64_t seed, const uint64_t offset, const uint64_t *seed_pointer,
                                     const uint64_t *offset_pointer, uint64_t *record) {
  store_whole(seed_pointer != nullptr ? load_whole(seed_pointer) : seed, record);
  store_whole(offset_pointer != nullptr ? load_whole(offset_pointer) : offset, record + 1);
}

}  // namespace

cudaError_t launch_dropout(const Target &target, const RowMap &map, const uint64_t *record, int64_t layer, double p,
                           Storage type, const void *from, int64_t from_row, int64_t width, void *to, int64_t to_row) {
  return with_storage(type, [&](auto storage) {
    using S = typename decltype(storage)::type;
    using C = Arithmetic<S>;
    constexpr int K = kUnits<S>;
    const C scale = p < 1 ? static_cast<C>(1.0 / (1.0 - p)) : C{0};
    const DropoutRows<S> rows{record, static_cast<uint32_t>(layer), dropout_threshold(p),
                              scale,  static_cast<const S *>(from), from_row,
                              width,  static_cast<S *>(to),         to_row};
    if (aligned(K, sizeof(S), {from, to}, {width, from_row, to_row})) {
      return launch_rows<kFeatures>(target, map.T, map.N, width, &dropout_kernel<S, K>, map, rows);
    }
    return launch_rows<kFeatures>(target, map.T, map.N, width, &dropout_kernel<S, 1>, map, rows);
  });
}

cudaError_t launch_record_seed(const Target &target, uint64_t seed, uint64_t offset, const uint64_t *seed_pointer,
                               const uint64_t *offset_pointer, uint64_t *record) {
  return launch(target, false, shape_for_items(1), &record_seed_kernel, seed, offset, seed_pointer, offset_pointer,
                record);
}

}  // namespace rondo::kernels::cuda
