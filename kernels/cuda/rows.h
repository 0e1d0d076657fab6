// Rows on the device: the order of a call's sequences as kernels see it, and the kernels that move rows between the
// caller's tensors and that order. Letters as in rondo.h.
#pragma once

#include "kernels/cell/numbers.h"
#include "kernels/cuda/launch.h"

namespace rondo::kernels::cuda {

// Sorted row r at step t lies at row offset(t) + r of step-by-step arrays. Compact: rows are sorted longest first and
// only those that still run have a place. Not compact (full sequences, and lengths that only the device knows): every
// row has one at every step, offset(t) = t*N, and rows that have ended are masked.
struct RowMap {
  int64_t T, N;
  const int64_t *offsets;  // device [T+1]; NULL: not compact
  const int32_t *rows;     // device [N]: sorted row r is the caller's row rows[r]; NULL: r
  const int32_t *lengths;  // device [N], by sorted row; NULL: all T
  bool packed;             // the caller's x and y are packed: they lie as the compact order does
  bool batch_major;        // [N,T,*]; else [T,N,*]
};

// The caller's [T,N,width], [N,T,width] or [S,width] to step order with rows of to_row elements. A masked row becomes
// zeros; from == NULL gives zeros. Types: equal, or one of storage to its type of arithmetic (f16, bf16 -> f32).
cudaError_t launch_gather_rows(const Target &target, const RowMap &map, Storage from_type, const void *from,
                               int64_t width, Storage to_type, void *to, int64_t to_row);
// The reverse; where a row has ended, `padding`. Types: equal, or f32 -> f16, bf16.
cudaError_t launch_scatter_rows(const Target &target, const RowMap &map, Storage from_type, const void *from,
                                int64_t from_row, int64_t width, double padding, Storage to_type, void *to);
// The caller's state [N,width] in its row order to sorted order and back. from == NULL gives zeros. All pairs of f64
// with f64, and of f32, f16, bf16 with each other.
cudaError_t launch_load_states(const Target &target, const RowMap &map, Storage from_type, const void *from,
                               int64_t width, Storage to_type, void *to);
cudaError_t launch_store_states(const Target &target, const RowMap &map, Storage from_type, const void *from,
                                int64_t width, Storage to_type, void *to);
// Each row's previous h in a direction, in step order: [., width] contiguous. history: row 0 of step 0, rows of
// history_row elements; initial [N,width] serves a row's first step. Masked rows become zeros. All of one type.
cudaError_t launch_previous_rows(const Target &target, const RowMap &map, bool reverse, Storage type,
                                 const void *history, int64_t history_row, const void *initial, int64_t width,
                                 void *to);

// Dropout of one layer's output in step order: to = from masked and scaled. from and to may be one. record: device
// {seed, offset}, see launch_record_seed. Types: equal; outputs are in storage, gradients in the type of arithmetic.
cudaError_t launch_dropout(const Target &target, const RowMap &map, const uint64_t *record, int64_t layer, double p,
                           Storage type, const void *from, int64_t from_row, int64_t width, void *to, int64_t to_row);
// The seed and offset of a call, by value or from device memory where a pointer is not NULL, to record[0], record[1].
cudaError_t launch_record_seed(const Target &target, uint64_t seed, uint64_t offset, const uint64_t *seed_pointer,
                               const uint64_t *offset_pointer, uint64_t *record);

// Fails where this build holds no code that the current device could run.
cudaError_t find_device_code();

// Host bytes (a multiple of 4) to device memory as kernel arguments, in slices: `host` may be gone when this returns.
cudaError_t launch_upload(const Target &target, const void *host, int64_t bytes, void *device);
// Lengths in device memory, one of the two pointers, each clamped to 0..T; *faults (or NULL) grows by how many were
// outside.
cudaError_t launch_clamp_lengths(const Target &target, const int64_t *lengths, const int32_t *lengths32, int64_t N,
                                 int64_t T, int32_t *clamped, uint32_t *faults);

}  // namespace rondo::kernels::cuda
