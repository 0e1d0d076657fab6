// Run: what forward and backward of one call share: its stretches of steps, its descriptors, and the ways of states and
// rows between the caller's order and the sorted one. Rows of length 0 are in no cuDNN call: they keep what they had.
#pragma once

#include "backend/cudnn/memory.h"

namespace rondo::cudnn {

// Steps that one cuDNN call computes; all of them where T <= max_steps.
struct Chunk {
  int64_t index;
  int64_t row;  // the first of its rows in step order
  Sequences sequences;
};

// The descriptors of one cuDNN call, and what it wants.
struct Described {
  DataDescriptor x, y;
  TensorDescriptor h, c;
  Network::TempSizes sizes{};
};

class Run {
 protected:
  Run(const Setup &setup, cudnnHandle_t library, const kernels::cuda::Target &target, const cuda::CallRows &rows);

  Status describe(const Network &network, const Chunk &chunk, Described *described) const;

  // Rows that run at all, which come first in sorted order.
  int64_t active_rows() const { return chunks_.empty() ? 0 : chunks_.front().sequences.N; }
  // Whether a state lies in the caller's memory as cuDNN takes it.
  bool states_in_place() const { return rows_.states_direct() && active_rows() == rows_.N(); }

  // A part's states for cuDNN to read: in place or loaded to the buffer; NULL stays NULL, which cuDNN takes as zeros.
  Status read_states(const void *from, const Part &part, int64_t width, char *buffer, const void **states) const;
  // The same, always in the buffer, zeros for NULL.
  Status load_states(const void *from, const Part &part, int64_t width, char *buffer) const;
  // Where cuDNN shall write a part's states: NULL where the caller wants none.
  char *written_states(void *to, const Part &part, int64_t width, char *buffer) const;
  // From the buffer to the caller's; rows that did not run get theirs from `kept` (NULL: zeros).
  Status store_states(const char *buffer, const Part &part, int64_t width, const void *kept, void *to) const;
  // All states of a call in which no row runs.
  Status keep_all_states(const void *kept, int64_t width, void *to) const;

  // Step order as it lies, or with every sequence reversed in time, which is its own inverse.
  kernels::cuda::RowMap flat_rows(const int32_t *reversal) const;
  Status upload_reversal(int32_t *reversal) const;

  Status copy(const void *from, void *to, int64_t elements, bool add = false) const;

  int64_t element() const { return setup_.element(); }
  int64_t S() const { return rows_.S(); }
  int64_t part_index(const Part &part) const;
  // Before dropout's own stage: the map of step order for launchers.
  const kernels::cuda::RowMap &map() const { return rows_.map(); }

  const Setup &setup_;
  const cudnnHandle_t library_;
  const kernels::cuda::Target &target_;
  const cuda::CallRows &rows_;
  std::vector<Chunk> chunks_;

 private:
  kernels::cuda::RowMap active_map() const;
};

}  // namespace rondo::cudnn
