// State tensors between the caller's row order and the sorted one: one row a sequence, no steps.
#include "kernels/cuda/row_map.h"
#include "kernels/cuda/rows.h"

namespace rondo::kernels::cuda {
namespace {

// Sorts where to_sorted, else the reverse.
template <class From, class To, int K>
RONDO_KERNEL void order_states_kernel(const RowMap map, const bool to_sorted, const From *from, const int64_t width,
                                      To *to, const Tiling tiling) {
  for (int64_t r = tiling.first_row(); r < map.N; r += tiling.row_stride()) {
    const int64_t n = state_row(map, r);
    const From *source = from != nullptr ? from + (to_sorted ? n : r) * width : nullptr;
    copy_row<K>(source, width, to + (to_sorted ? r : n) * width, tiling);
  }
}

template <class From, class To>
cudaError_t order_states(const Target &target, const RowMap &map, bool to_sorted, const void *from, int64_t width,
                         void *to) {
  constexpr int K = kUnits<To>;
  const auto *source = static_cast<const From *>(from);
  auto *destination = static_cast<To *>(to);
  if (aligned(K, sizeof(From), {from}, {width}) && aligned(K, sizeof(To), {to}, {})) {
    return launch_rows<K>(target, 1, map.N, width, &order_states_kernel<From, To, K>, map, to_sorted, source, width,
                          destination);
  }
  return launch_rows<1>(target, 1, map.N, width, &order_states_kernel<From, To, 1>, map, to_sorted, source, width,
                        destination);
}

cudaError_t launch_states(const Target &target, const RowMap &map, bool to_sorted, Storage from_type, const void *from,
                          int64_t width, Storage to_type, void *to) {
  return with_storage(from_type, [&](auto from_storage) {
    return with_storage(to_type, [&](auto to_storage) {
      using From = typename decltype(from_storage)::type;
      using To = typename decltype(to_storage)::type;
      if constexpr (kOneFamily<From, To>) {
        return order_states<From, To>(target, map, to_sorted, from, width, to);
      } else {
        return cudaErrorInvalidValue;
      }
    });
  });
}

}  // namespace

cudaError_t launch_load_states(const Target &target, const RowMap &map, Storage from_type, const void *from,
                               int64_t width, Storage to_type, void *to) {
  return launch_states(target, map, true, from_type, from, width, to_type, to);
}

cudaError_t launch_store_states(const Target &target, const RowMap &map, Storage from_type, const void *from,
                                int64_t width, Storage to_type, void *to) {
  return launch_states(target, map, false, from_type, from, width, to_type, to);
}

}  // namespace rondo::kernels::cuda
