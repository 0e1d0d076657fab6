// Rows between the caller's tensors and step order. What lies beyond a row's length is never read: it may hold NaN.
#include "kernels/cuda/rows.h"

#include "kernels/cuda/row_map.h"

namespace rondo::kernels::cuda {
namespace {

template <class From, class To, int K>
RONDO_KERNEL void gather_rows_kernel(const RowMap map, const From *from, const int64_t width, To *to,
                                     const int64_t to_row, const Tiling tiling) {
  for (int64_t t = block_x(); t < map.T; t += grid_x()) {
    const int64_t offset = step_offset(map, t);
    for (int64_t r = tiling.first_row(); r < map.N && has_place(map, t, r); r += tiling.row_stride()) {
      const bool reads = from != nullptr && runs(map, t, r);
      copy_row<K>(reads ? from + caller_row(map, t, r) * width : nullptr, width, to + (offset + r) * to_row, tiling);
    }
  }
}

template <class From, class To, int K>
RONDO_KERNEL void scatter_rows_kernel(const RowMap map, const From *from, const int64_t from_row, const int64_t width,
                                      const Arithmetic<To> padding, To *to, const Tiling tiling) {
  for (int64_t t = block_x(); t < map.T; t += grid_x()) {
    const int64_t offset = step_offset(map, t);
    for (int64_t r = tiling.first_row(); r < map.N; r += tiling.row_stride()) {
      if (runs(map, t, r)) {
        copy_row<K>(from + (offset + r) * from_row, width, to + caller_row(map, t, r) * width, tiling);
      } else if (!map.packed) {
        fill_row<K>(padding, width, to + caller_row(map, t, r) * width, tiling);
      }
    }
  }
}

template <class S, int K>
RONDO_KERNEL void previous_rows_kernel(const RowMap map, const bool reverse, const S *history,
                                       const int64_t history_row, const S *initial, const int64_t width, S *to,
                                       const Tiling tiling) {
  for (int64_t t = block_x(); t < map.T; t += grid_x()) {
    const int64_t offset = step_offset(map, t);
    const int64_t before = reverse ? t + 1 : t - 1;
    for (int64_t r = tiling.first_row(); r < map.N && has_place(map, t, r); r += tiling.row_stride()) {
      const S *from = nullptr;
      if (runs(map, t, r)) {
        const bool follows = before >= 0 && before < map.T && runs(map, before, r);
        from = follows ? history + (step_offset(map, before) + r) * history_row : initial + r * width;
      }
      copy_row<K>(from, width, to + (offset + r) * width, tiling);
    }
  }
}

template <class From, class To>
cudaError_t gather_rows(const Target &target, const RowMap &map, const void *from, int64_t width, void *to,
                        int64_t to_row) {
  constexpr int K = kUnits<To>;
  const auto *source = static_cast<const From *>(from);
  auto *destination = static_cast<To *>(to);
  if (aligned(K, sizeof(From), {from}, {width, to_row}) && aligned(K, sizeof(To), {to}, {})) {
    return launch_rows<K>(target, map.T, map.N, width, &gather_rows_kernel<From, To, K>, map, source, width,
                          destination, to_row);
  }
  return launch_rows<1>(target, map.T, map.N, width, &gather_rows_kernel<From, To, 1>, map, source, width, destination,
                        to_row);
}

template <class From, class To>
cudaError_t scatter_rows(const Target &target, const RowMap &map, const void *from, int64_t from_row, int64_t width,
                         double padding, void *to) {
  constexpr int K = kUnits<To>;
  const auto *source = static_cast<const From *>(from);
  const auto value = static_cast<Arithmetic<To>>(padding);
  auto *destination = static_cast<To *>(to);
  if (aligned(K, sizeof(From), {from}, {width, from_row}) && aligned(K, sizeof(To), {to}, {})) {
    return launch_rows<K>(target, map.T, map.N, width, &scatter_rows_kernel<From, To, K>, map, source, from_row, width,
                          value, destination);
  }
  return launch_rows<1>(target, map.T, map.N, width, &scatter_rows_kernel<From, To, 1>, map, source, from_row, width,
                        value, destination);
}

template <class S>
cudaError_t previous_rows(const Target &target, const RowMap &map, bool reverse, const void *history,
                          int64_t history_row, const void *initial, int64_t width, void *to) {
  constexpr int K = kUnits<S>;
  const auto *source = static_cast<const S *>(history);
  const auto *first = static_cast<const S *>(initial);
  auto *destination = static_cast<S *>(to);
  if (aligned(K, sizeof(S), {history, initial, to}, {width, history_row})) {
    return launch_rows<K>(target, map.T, map.N, width, &previous_rows_kernel<S, K>, map, reverse, source, history_row,
                          first, width, destination);
  }
  return launch_rows<1>(target, map.T, map.N, width, &previous_rows_kernel<S, 1>, map, reverse, source, history_row,
                        first, width, destination);
}

}  // namespace

cudaError_t launch_gather_rows(const Target &target, const RowMap &map, Storage from_type, const void *from,
                               int64_t width, Storage to_type, void *to, int64_t to_row) {
  return with_storage(from_type, [&](auto from_storage) {
    return with_storage(to_type, [&](auto to_storage) {
      using From = typename decltype(from_storage)::type;
      using To = typename decltype(to_storage)::type;
      if constexpr (kEqual<From, To> || kWidens<From, To>) {
        return gather_rows<From, To>(target, map, from, width, to, to_row);
      } else {
        return cudaErrorInvalidValue;
      }
    });
  });
}

cudaError_t launch_scatter_rows(const Target &target, const RowMap &map, Storage from_type, const void *from,
                                int64_t from_row, int64_t width, double padding, Storage to_type, void *to) {
  return with_storage(from_type, [&](auto from_storage) {
    return with_storage(to_type, [&](auto to_storage) {
      using From = typename decltype(from_storage)::type;
      using To = typename decltype(to_storage)::type;
      if constexpr (kEqual<From, To> || kWidens<To, From>) {
        return scatter_rows<From, To>(target, map, from, from_row, width, padding, to);
      } else {
        return cudaErrorInvalidValue;
      }
    });
  });
}

cudaError_t launch_previous_rows(const Target &target, const RowMap &map, bool reverse, Storage type,
                                 const void *history, int64_t history_row, const void *initial, int64_t width,
                                 void *to) {
  return with_storage(type, [&](auto storage) {
    using S = typename decltype(storage)::type;
    return previous_rows<S>(target, map, reverse, history, history_row, initial, width, to);
  });
}

}  // namespace rondo::kernels::cuda
