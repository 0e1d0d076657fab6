// Checks at the call, in the words of cuDNN's documentation, and what each algorithm costs.
// RONDO_EMULATOR_FASTEST=standard|persist_static|persist_dynamic|small_h makes one algorithm the cheapest.
#include "cudnn_call.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "stream.h"

namespace rondo_emulator::cudnn {
namespace {

constexpr int kPersistStaticLimit = 1024;

// Of the algorithm that shares one H among its registers; backward needs twice the room.
int small_h_limit(const cudnnRNNStruct &rnn, bool backward) {
  const bool one_gate = rnn.G() == 1;
  return backward ? (one_gate ? 256 : 128) : (one_gate ? 384 : 192);
}

double cost_of(const Call &call) {
  static constexpr std::array<const char *, CUDNN_RNN_ALGO_COUNT> names{"standard", "persist_static", "persist_dynamic",
                                                                        "small_h"};
  static constexpr std::array<double, CUDNN_RNN_ALGO_COUNT> per_step{10, 8, 7, 6};
  const char *fastest = std::getenv("RONDO_EMULATOR_FASTEST");
  const bool chosen = fastest != nullptr && std::strcmp(fastest, names.at(call.rnn.algo)) == 0;
  return call.x.T * (chosen ? 1.0 : per_step.at(call.rnn.algo));
}

cudnnStatus_t check_states(const Arguments &call, cudnnTensorDescriptor_t state, int width, const char *name) {
  const std::string argument = name;
  if (state == nullptr) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, argument + " is NULL");
  if (state->type != call.rnn->type) return refuse(CUDNN_STATUS_BAD_PARAM, argument + " has another data type");
  const int rows = call.rnn->L * call.rnn->D();
  if (state->dims != std::vector<int>{rows, call.x->N, width}) {
    return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, argument + " is not [" + std::to_string(rows) + ", " +
                                                             std::to_string(call.x->N) + ", " + std::to_string(width) +
                                                             "]");
  }
  if (state->strides != std::vector<int>{call.x->N * width, width, 1}) {
    return refuse(CUDNN_STATUS_BAD_PARAM, argument + " is not fully packed");
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_algorithm(const cudnnRNNStruct &rnn, const cudnnRNNDataStruct &x, bool backward) {
  if (!rnn.persistent()) return CUDNN_STATUS_SUCCESS;
  if (std::any_of(x.lengths.begin(), x.lengths.end(), [&](int length) { return length != x.T; })) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "persistent algorithms take sequences of equal length only");
  }
  if (rnn.algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC && rnn.built_for != x.N) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "cudnnBuildRNNDynamic was called for a batch of " +
                                              std::to_string(rnn.built_for) + ", the call has " + std::to_string(x.N));
  }
  if (rnn.algo == CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H && rnn.H > small_h_limit(rnn, backward)) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                  "hiddenSize is " + std::to_string(rnn.H) + ", too large for CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H");
  }
  if (rnn.algo == CUDNN_RNN_ALGO_PERSIST_STATIC && rnn.H > kPersistStaticLimit) {
    return refuse(CUDNN_STATUS_NOT_SUPPORTED,
                  "hiddenSize is " + std::to_string(rnn.H) + ", too large for CUDNN_RNN_ALGO_PERSIST_STATIC");
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t check_size(const char *name, size_t given, size_t needed) {
  if (given >= needed) return CUDNN_STATUS_SUCCESS;
  return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT,
                std::string(name) + " is " + std::to_string(given) + ", needed are " + std::to_string(needed));
}

cudnnStatus_t check_sizes(const Arguments &arguments, const Call &call) {
  STAND_IN_TRY(check_size("weightSpaceSize", arguments.weight_size, call.weights.elements * size_of(call.rnn.type)));
  STAND_IN_TRY(check_size("workSpaceSize", arguments.workspace_size, workspace_bytes(call.rnn, call.x)));
  if (arguments.training) {
    return check_size("reserveSpaceSize", arguments.reserve_size, reserve_bytes(call.rnn, call.x));
  }
  if (arguments.reserve_size != 0 || arguments.reserve != nullptr) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "CUDNN_FWD_MODE_INFERENCE takes no reserve: expected 0 and NULL");
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

Seen Call::seen() const { return {fingerprint(rnn), fingerprint(x), 0, 0, 0, 0, 0}; }

void Call::poison_workspace() const { std::memset(workspace, 0xff, workspace_size); }

cudnnStatus_t check_call(const Arguments &arguments, Call *call) {
  STAND_IN_TRY(check_handle(arguments.handle));
  STAND_IN_TRY(check_set(arguments.rnn));
  const cudnnRNNStruct &rnn = *arguments.rnn;
  if (arguments.device_lengths != nullptr) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "devSeqLengths is not NULL, expected since cuDNN 8.9.1");
  }
  STAND_IN_TRY(check_data(rnn, arguments.x, rnn.I, "xDesc"));
  STAND_IN_TRY(check_data(rnn, arguments.y, rnn.D() * rnn.O, "yDesc"));
  if (arguments.x->layout != arguments.y->layout || arguments.x->T != arguments.y->T ||
      arguments.x->lengths != arguments.y->lengths) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "xDesc and yDesc differ in layout, maxSeqLength, batchSize or lengths");
  }
  STAND_IN_TRY(check_states(arguments, arguments.h, rnn.O, "hDesc"));
  if (arguments.needs_c && rnn.cell == CUDNN_LSTM) {
    STAND_IN_TRY(check_states(arguments, arguments.c, rnn.H, "cDesc"));
  }
  STAND_IN_TRY(check_algorithm(rnn, *arguments.x, arguments.backward));
  *call = {rnn,
           *arguments.x,
           *arguments.y,
           arguments.workspace,
           arguments.reserve,
           arguments.workspace_size,
           arguments.reserve_size,
           weight_map(rnn)};
  return check_sizes(arguments, *call);
}

cudnnStatus_t check_memory(const Call &call, cudnnHandle_t handle, const std::vector<Memory> &memory) {
  std::vector<Memory> all = memory;
  all.push_back({"workSpace", call.workspace, call.workspace_size});
  all.push_back({"reserveSpace", call.reserve, call.reserve_size, call.reserve_size == 0});
  for (const Memory &one : all) {
    if (one.pointer == nullptr) {
      if (one.optional) continue;
      return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, std::string(one.name) + " is NULL");
    }
    if (!is_device_memory(one.pointer, one.bytes, handle->device)) {
      report_fault(std::string("cuDNN: ") + one.name + " is not " + std::to_string(one.bytes) +
                   " bytes of the device's memory");
    }
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t run(cudnnHandle_t handle, const Call &call, const char *name, std::function<std::string()> compute) {
  const cudaError_t error = enqueue(
      handle->stream,
      [call, name, compute = std::move(compute)] {
        call.poison_workspace();
        const std::string trouble = compute();
        call.poison_workspace();
        if (!trouble.empty()) report_fault(std::string(name) + ": " + trouble);
        add_cost(cost_of(call));
      },
      "cudnn");
  if (error == cudaSuccess) return CUDNN_STATUS_SUCCESS;
  return refuse(CUDNN_STATUS_EXECUTION_FAILED, std::string(name) + ": " + cudaGetErrorString(error));
}

}  // namespace rondo_emulator::cudnn
