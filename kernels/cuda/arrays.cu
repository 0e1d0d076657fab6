// The launchers of arrays.h. A column's sum is always added in the same order: each lane its rows from first to last,
// then the lanes from first to last.
#include "kernels/cuda/arrays.h"

#include "kernels/cuda/storage.h"
#include "kernels/cuda/tiling.h"

namespace rondo::kernels::cuda {
namespace {

inline constexpr uint32_t kSumColumns = 32;
inline constexpr uint32_t kSumLanes = 16;
inline constexpr int kSumReads = 8;  // under way at once in each thread

template <class From, class To>
RONDO_KERNEL void column_sums_kernel(const From *from, const int64_t rows, const int64_t columns, To *to,
                                     const bool accumulate) {
  using C = Arithmetic<From>;
  RONDO_SHARED(C, kSumColumns * kSumLanes, sums);
  const uint32_t lanes = threads() / kSumColumns;
  const uint32_t lane = thread() / kSumColumns;
  for (int64_t tile = block_x(); tile * kSumColumns < columns; tile += grid_x()) {
    const int64_t column = tile * kSumColumns + thread() % kSumColumns;
    C sum{0};
    if (column < columns) {
      for (int64_t row = lane; row < rows; row += int64_t{lanes} * kSumReads) {
        C values[kSumReads];
        RONDO_UNROLL
        for (int k = 0; k < kSumReads; ++k) {
          const int64_t next = row + int64_t{lanes} * k;
          values[k] = next < rows ? widen<C>(load_whole(from + next * columns + column)) : C{0};
        }
        RONDO_UNROLL
        for (int k = 0; k < kSumReads; ++k) {
          sum += values[k];
        }
      }
    }
    sums.set(thread(), sum);
    block_barrier();
    if (lane == 0 && column < columns) {
      for (uint32_t k = 1; k < lanes; ++k) {
        sum += sums.get(k * kSumColumns + thread());
      }
      store_narrow(accumulate ? widen<C>(load_whole(to + column)) + sum : sum, to + column);
    }
    block_barrier();
  }
}

// to[at ...] = from, or added to it.
template <int K, class From, class To>
RONDO_DEVICE void put_wide(const From *from, To *to, int64_t at, bool accumulate) {
  using C = Arithmetic<To>;
  C values[K] = {};
  if (from != nullptr) {
    read_wide<C, K>(from + at, values);
  }
  if (accumulate) {
    C held[K];
    read_wide<C, K>(to + at, held);
    RONDO_UNROLL
    for (int k = 0; k < K; ++k) {
      values[k] = held[k] + values[k];
    }
  }
  write_wide<C, K>(values, to + at);
}

template <class From, class To, int K>
RONDO_KERNEL void finish_gradient_kernel(const From *from, const int64_t count, To *to, const bool accumulate) {
  for (int64_t k = first_item(); k * K < count; k += item_stride()) {
    put_wide<K>(from, to, k * K, accumulate);
  }
}

// Pieces by value: kernel arguments may be 4096 bytes together.
inline constexpr int64_t kPiecesOfLaunch = 160;
struct Pieces {
  Piece piece[kPiecesOfLaunch];
};
static_assert(sizeof(Pieces) <= 4000);

template <class S, int K>
RONDO_DEVICE void copy_piece(const Piece &piece, bool accumulate) {
  const auto *from = static_cast<const S *>(piece.from);
  auto *to = static_cast<S *>(piece.to);
  for (int64_t k = first_item(); k * K < piece.count; k += item_stride()) {
    if (from == nullptr || accumulate) {
      put_wide<K>(from, to, k * K, accumulate);
    } else {
      move_wide<K>(from + k * K, to + k * K);
    }
  }
}

template <class S>
RONDO_KERNEL void copy_pieces_kernel(const Pieces pieces, const bool accumulate) {
  constexpr int K = kUnits<S>;
  const Piece &piece = pieces.piece[block_y()];
  const auto addresses = reinterpret_cast<uintptr_t>(piece.from) | reinterpret_cast<uintptr_t>(piece.to);
  if (addresses % (sizeof(S) * K) == 0 && piece.count % K == 0) {
    copy_piece<S, K>(piece, accumulate);
  } else {
    copy_piece<S, 1>(piece, accumulate);
  }
}

template <class From, class To>
cudaError_t finish_gradient(const Target &target, const void *from, int64_t count, void *to, bool accumulate) {
  constexpr int K = kUnits<To>;
  const auto *source = static_cast<const From *>(from);
  auto *destination = static_cast<To *>(to);
  if (aligned(K, sizeof(From), {from}, {count}) && aligned(K, sizeof(To), {to}, {})) {
    return launch(target, false, shape_for_items(count / K), &finish_gradient_kernel<From, To, K>, source, count,
                  destination, accumulate);
  }
  return launch(target, false, shape_for_items(count), &finish_gradient_kernel<From, To, 1>, source, count, destination,
                accumulate);
}

// The pieces from `next` on that are not empty, as many as one launch takes.
int64_t take_pieces(const Piece *pieces, int64_t count, int64_t &next, Pieces &taken, int64_t &longest) {
  int64_t size = 0;
  longest = 0;
  for (; next < count && size < kPiecesOfLaunch; ++next) {
    if (pieces[next].count > 0) {
      taken.piece[size++] = pieces[next];
      longest = std::max(longest, pieces[next].count);
    }
  }
  return size;
}

template <class S>
cudaError_t copy_pieces(const Target &target, const Piece *pieces, int64_t count, bool accumulate) {
  for (int64_t next = 0; next < count;) {
    Pieces taken{};
    int64_t longest = 0;
    const int64_t size = take_pieces(pieces, count, next, taken, longest);
    if (size == 0) {
      break;
    }
    Shape shape = shape_for_items(ceil_div(longest, kUnits<S>));
    shape.blocks[1] = static_cast<uint32_t>(size);
    const cudaError_t error = launch(target, false, shape, &copy_pieces_kernel<S>, taken, accumulate);
    if (error != cudaSuccess) {
      return error;
    }
  }
  return cudaSuccess;
}

}  // namespace

cudaError_t launch_column_sums(const Target &target, Storage from_type, const void *from, int64_t rows, int64_t columns,
                               Storage to_type, void *to, bool accumulate) {
  if (columns == 0) {
    return cudaSuccess;
  }
  const auto lanes = static_cast<uint32_t>(std::clamp<int64_t>(rows, 1, kSumLanes));
  const Shape shape{{grid_blocks(ceil_div(columns, kSumColumns), kMaxGridX), 1, 1}, lanes * kSumColumns};
  return with_storage(from_type, [&](auto from_storage) {
    return with_storage(to_type, [&](auto to_storage) {
      using From = typename decltype(from_storage)::type;
      using To = typename decltype(to_storage)::type;
      if constexpr (kOneFamily<From, To>) {
        return launch(target, false, shape, &column_sums_kernel<From, To>, static_cast<const From *>(from), rows,
                      columns, static_cast<To *>(to), accumulate);
      } else {
        return cudaErrorInvalidValue;
      }
    });
  });
}

cudaError_t launch_finish_gradient(const Target &target, Storage from_type, const void *from, int64_t count,
                                   Storage to_type, void *to, bool accumulate) {
  if (count == 0) {
    return cudaSuccess;
  }
  return with_storage(from_type, [&](auto from_storage) {
    return with_storage(to_type, [&](auto to_storage) {
      using From = typename decltype(from_storage)::type;
      using To = typename decltype(to_storage)::type;
      if constexpr (kWidens<To, From>) {
        return finish_gradient<From, To>(target, from, count, to, accumulate);
      } else {
        return cudaErrorInvalidValue;
      }
    });
  });
}

cudaError_t launch_copy_pieces(const Target &target, Storage type, const Piece *pieces, int64_t count,
                               bool accumulate) {
  return with_storage(type, [&](auto storage) {
    return copy_pieces<typename decltype(storage)::type>(target, pieces, count, accumulate);
  });
}

}  // namespace rondo::kernels::cuda
