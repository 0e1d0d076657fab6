// cudnnRNNForward, cudnnRNNBackwardData_v8 and cudnnRNNBackwardWeights_v8, computed by the oracle in double precision
// and rounded to the data type. Each reads all it is given before it writes anything.
#include <cstring>

#include "cudnn_call.h"
#include "cudnn_use.h"
#include "reference/oracle.h"

namespace rondo_emulator::cudnn {
namespace {

struct ForwardMemory {
  const void *x, *hx, *cx, *weights;
  void *y, *hy, *cy;
};

std::string forward(const Call &call, const ForwardMemory &memory) {
  if (call.reserve != nullptr) std::memset(call.reserve, 0xff, call.reserve_size);
  const auto params = read_weights(call.weights, call.type(), memory.weights);
  test::Values values;
  values.x = read_sequences(call.rnn, call.x, memory.x);
  values.h0 = read_states(call.rnn, call.x, call.rnn.O, memory.hx);
  values.c0 = read_states(call.rnn, call.x, call.c_width(), memory.cx);
  values.params = params;
  const test::Results results = run_oracle(call.problem(), values, test::Direction::forward_only);
  write_sequences(call.rnn, call.y, results.y, memory.y);
  write_states(call.rnn, call.x, call.rnn.O, results.hn, memory.hy);
  write_states(call.rnn, call.x, call.c_width(), results.cn, memory.cy);
  if (call.reserve == nullptr) return {};
  Kept kept;
  kept.x = values.x;
  kept.cx = values.c0;
  kept.weights = flattened(params);
  Seen seen = call.seen();
  seen.x = hash_of(values.x);
  seen.hx = hash_of(values.h0);
  seen.cx = hash_of(values.c0);
  seen.y = hash_of(read_sequences(call.rnn, call.y, memory.y));
  seen.weights = hash_of(kept.weights);
  Reserve(call.rnn, call.x, call.reserve, call.reserve_size).write(Stage::forward, seen, kept);
  return {};
}

struct DataMemory {
  const void *y, *dy, *hx, *dhy, *cx, *dcy, *weights;
  void *dx, *dhx, *dcx;
};

std::string backward_data(const Call &call, const DataMemory &memory) {
  Reserve reserve(call.rnn, call.x, call.reserve, call.reserve_size);
  Seen seen = call.seen();
  Kept kept;
  if (std::string trouble = reserve.read(Stage::forward, &seen, &kept); !trouble.empty()) return trouble;
  test::Values values;
  values.x = kept.x;
  values.h0 = read_states(call.rnn, call.x, call.rnn.O, memory.hx);
  values.c0 = read_states(call.rnn, call.x, call.c_width(), memory.cx);
  values.params = read_weights(call.weights, call.type(), memory.weights);
  if (hash_of(read_sequences(call.rnn, call.y, memory.y)) != seen.y) return "y is not what forward wrote";
  if (hash_of(values.h0) != seen.hx) return "hx is not what forward read";
  if (hash_of(values.c0) != seen.cx) return "cx is not what forward read";
  if (hash_of(flattened(values.params)) != seen.weights) return "the weights are not those that forward read";
  kept.dy = values.dy = read_sequences(call.rnn, call.y, memory.dy);
  kept.dhn = values.dhn = read_states(call.rnn, call.x, call.rnn.O, memory.dhy);
  kept.dcn = values.dcn = read_states(call.rnn, call.x, call.c_width(), memory.dcy);
  const test::Results results = run_oracle(call.problem(), values);
  cudnnRNNDataStruct dx = call.x;
  dx.padding_fill.clear();
  write_sequences(call.rnn, dx, results.dx, memory.dx);
  write_states(call.rnn, call.x, call.rnn.O, results.dh0, memory.dhx);
  write_states(call.rnn, call.x, call.c_width(), results.dc0, memory.dcx);
  reserve.write(Stage::data, seen, kept);
  return {};
}

struct WeightsMemory {
  const void *x, *hx, *y;
  void *dweights;
};

std::string backward_weights(const Call &call, const WeightsMemory &memory) {
  const Reserve reserve(call.rnn, call.x, call.reserve, call.reserve_size);
  Seen seen = call.seen();
  Kept kept;
  if (std::string trouble = reserve.read(Stage::data, &seen, &kept); !trouble.empty()) return trouble;
  test::Values values;
  values.x = read_sequences(call.rnn, call.x, memory.x);
  values.h0 = read_states(call.rnn, call.x, call.rnn.O, memory.hx);
  if (hash_of(values.x) != seen.x) return "x is not what forward read";
  if (hash_of(values.h0) != seen.hx) return "hx is not what forward read";
  if (hash_of(read_sequences(call.rnn, call.y, memory.y)) != seen.y) return "y is not what forward wrote";
  values.c0 = kept.cx;
  values.params = unflattened(call.weights, kept.weights);
  values.dy = kept.dy;
  values.dhn = kept.dhn;
  values.dcn = kept.dcn;
  add_weights(call.weights, call.type(), run_oracle(call.problem(), values).dparams, memory.dweights);
  return {};
}

size_t weight_bytes(const Call &call) { return call.weights.elements * size_of(call.rnn.type); }

}  // namespace
}  // namespace rondo_emulator::cudnn

using namespace rondo_emulator::cudnn;

extern "C" {

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnnDesc, cudnnForwardMode_t fwdMode,
                              const int32_t devSeqLengths[], cudnnRNNDataDescriptor_t xDesc, const void *x,
                              cudnnRNNDataDescriptor_t yDesc, void *y, cudnnTensorDescriptor_t hDesc, const void *hx,
                              void *hy, cudnnTensorDescriptor_t cDesc, const void *cx, void *cy, size_t weightSpaceSize,
                              const void *weightSpace, size_t workSpaceSize, void *workSpace, size_t reserveSpaceSize,
                              void *reserveSpace) {
  count_call(__func__);
  if (fwdMode != CUDNN_FWD_MODE_INFERENCE && fwdMode != CUDNN_FWD_MODE_TRAINING) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "fwdMode has no such value");
  }
  Call call{};
  STAND_IN_TRY(
      check_call({handle, rnnDesc, devSeqLengths, xDesc, yDesc, hDesc, cDesc, true, fwdMode == CUDNN_FWD_MODE_TRAINING,
                  false, weightSpaceSize, workSpaceSize, reserveSpaceSize, workSpace, reserveSpace},
                 &call));
  const size_t h = state_bytes(call.rnn, call.x, call.rnn.O);
  const size_t c = state_bytes(call.rnn, call.x, call.c_width());
  if (c == 0) cx = cy = nullptr;
  STAND_IN_TRY(check_memory(call, handle,
                            {{"x", x, sequence_bytes(call.x)},
                             {"y", y, sequence_bytes(call.y)},
                             {"hx", hx, h, true},
                             {"hy", hy, h, true},
                             {"cx", cx, c, true},
                             {"cy", cy, c, true},
                             {"weightSpace", weightSpace, weight_bytes(call)}}));
  const ForwardMemory memory{x, hx, cx, weightSpace, y, hy, cy};
  return run(handle, call, __func__, [call, memory] { return forward(call, memory); });
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnnDesc, const int32_t devSeqLengths[],
                                      cudnnRNNDataDescriptor_t yDesc, const void *y, const void *dy,
                                      cudnnRNNDataDescriptor_t xDesc, void *dx, cudnnTensorDescriptor_t hDesc,
                                      const void *hx, const void *dhy, void *dhx, cudnnTensorDescriptor_t cDesc,
                                      const void *cx, const void *dcy, void *dcx, size_t weightSpaceSize,
                                      const void *weightSpace, size_t workSpaceSize, void *workSpace,
                                      size_t reserveSpaceSize, void *reserveSpace) {
  count_call(__func__);
  Call call{};
  STAND_IN_TRY(check_call({handle, rnnDesc, devSeqLengths, xDesc, yDesc, hDesc, cDesc, true, true, true,
                           weightSpaceSize, workSpaceSize, reserveSpaceSize, workSpace, reserveSpace},
                          &call));
  const size_t h = state_bytes(call.rnn, call.x, call.rnn.O);
  const size_t c = state_bytes(call.rnn, call.x, call.c_width());
  if (c == 0) cx = dcy = dcx = nullptr;
  STAND_IN_TRY(check_memory(call, handle,
                            {{"y", y, sequence_bytes(call.y)},
                             {"dy", dy, sequence_bytes(call.y)},
                             {"dx", dx, sequence_bytes(call.x)},
                             {"hx", hx, h, true},
                             {"dhy", dhy, h, true},
                             {"dhx", dhx, h, true},
                             {"cx", cx, c, true},
                             {"dcy", dcy, c, true},
                             {"dcx", dcx, c, true},
                             {"weightSpace", weightSpace, weight_bytes(call)}}));
  const DataMemory memory{y, dy, hx, dhy, cx, dcy, weightSpace, dx, dhx, dcx};
  return run(handle, call, __func__, [call, memory] { return backward_data(call, memory); });
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnnDesc, cudnnWgradMode_t addGrad,
                                         const int32_t devSeqLengths[], cudnnRNNDataDescriptor_t xDesc, const void *x,
                                         cudnnTensorDescriptor_t hDesc, const void *hx, cudnnRNNDataDescriptor_t yDesc,
                                         const void *y, size_t weightSpaceSize, void *dweightSpace,
                                         size_t workSpaceSize, void *workSpace, size_t reserveSpaceSize,
                                         void *reserveSpace) {
  count_call(__func__);
  if (addGrad != CUDNN_WGRAD_MODE_ADD) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "addGrad is not CUDNN_WGRAD_MODE_ADD, the only mode there is");
  }
  Call call{};
  STAND_IN_TRY(check_call({handle, rnnDesc, devSeqLengths, xDesc, yDesc, hDesc, nullptr, false, true, true,
                           weightSpaceSize, workSpaceSize, reserveSpaceSize, workSpace, reserveSpace},
                          &call));
  STAND_IN_TRY(check_memory(call, handle,
                            {{"x", x, sequence_bytes(call.x)},
                             {"y", y, sequence_bytes(call.y)},
                             {"hx", hx, state_bytes(call.rnn, call.x, call.rnn.O), true},
                             {"dweightSpace", dweightSpace, weight_bytes(call)}}));
  const WeightsMemory memory{x, hx, y, dweightSpace};
  return run(handle, call, __func__, [call, memory] { return backward_weights(call, memory); });
}

}  // extern "C"
