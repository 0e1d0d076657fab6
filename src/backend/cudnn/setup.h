// Setup: what a plan on cuDNN has decided: the parts its network is cut into, where their weights lie, and how much
// memory cuDNN wants for the largest call. Immutable, so that calls only bind and launch.
#pragma once

#include <memory>
#include <vector>

#include "backend/cuda/call_rows.h"
#include "backend/cudnn/algorithm.h"
#include "backend/cudnn/weights.h"

namespace rondo::cudnn {

// Layers and directions that one cuDNN call computes.
struct Part {
  const Network *network;
  int64_t layer, direction;  // its first
  int64_t weight_offset;     // bytes, in the weight spaces

  int64_t states() const { return network->shape().layers * network->shape().directions; }
};

// Parts that read one input and write one output: all layers, or one. Two parts are its two directions.
struct Stage {
  int64_t layer;
  int64_t input;  // width of x
  std::vector<Part> parts;
};

struct Setup {
  Spec spec;
  Problem problem;
  cudnnRNNAlgo_t algorithm;
  Division division;
  std::vector<std::unique_ptr<Network>> networks;
  std::vector<Stage> stages;
  WeightLayout weights;
  Network::TempSizes temp;  // the largest of any call of cuDNN

  static Status create(cudnnHandle_t library, const Spec &spec, const Problem &problem, cudnnRNNAlgo_t algorithm,
                       std::unique_ptr<Setup> *setup);

  int64_t element() const { return dtype_size(spec.storage()); }
  kernels::Storage storage() const { return static_cast<kernels::Storage>(spec.dtype); }
  int64_t output() const { return spec.directions() * spec.output(); }
  int64_t widest_input() const { return std::max(spec.input_size, stages.size() > 1 ? output() : 0); }
  bool drops() const { return problem.training && spec.dropout > 0 && spec.num_layers > 1; }
  // A direction that runs alone needs x and y of its own, the reverse one with every row reversed in time.
  bool splits_directions() const { return division == Division::directions && spec.bidirectional != 0; }
  // Whether x and y may have to be brought into step order and back. Only full sequences in one network are left to
  // cuDNN's own layouts: every other kind runs in packed order, which has neither padding to keep NaNs out of nor rows
  // of length 0, and in which a stretch of steps is a stretch of memory.
  bool gathers() const {
    return problem.sequence == RONDO_SEQUENCE_LENGTHS ||
           (problem.sequence == RONDO_SEQUENCE_FULL && spec.layout == RONDO_BATCH_MAJOR && division != Division::whole);
  }
  // In a single cell's training y may be absent, but cuDNN's backward reads it.
  bool keeps_last() const { return problem.training && spec.single_cell != 0; }
  int64_t max_chunks() const { return divide_up(problem.max_T, max_steps); }

  explicit Setup(const Spec &what) : spec(what), problem{}, algorithm{}, division{}, weights(what), temp{} {}

 private:
  Status add_stage(cudnnHandle_t library, int64_t layer);
  Status find_temp(cudnnHandle_t library);
  const Network *find(const Network::Shape &shape) const;
};

// How cuDNN sees a call's x and y.
cudnnRNNDataLayout_t data_layout(const Setup &setup);
// Full sequences of T steps and N rows.
Sequences full_sequences(cudnnRNNDataLayout_t layout, int64_t T, int64_t N);

}  // namespace rondo::cudnn
