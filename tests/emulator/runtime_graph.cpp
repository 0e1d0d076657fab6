// Stand-ins for the runtime's calls about capture and graphs. A graph is its operations in the order they were
// captured, which is one of the orders that their dependencies allow.
#include "runtime.h"

using rondo_emulator::call;
using rondo_emulator::Capture;
using rondo_emulator::give;
using rondo_emulator::give_back_call;
using rondo_emulator::mine;
using rondo_emulator::State;
using rondo_emulator::Stream;
using rondo_emulator::stream_call;

namespace {

template <class Handle>
cudaError_t destroy(std::set<Handle> &all, Handle handle) {
  if (all.erase(handle) == 0) {
    return cudaErrorInvalidValue;
  }
  delete handle;
  return cudaSuccess;
}

bool valid(cudaStreamCaptureMode mode) {
  return mode >= cudaStreamCaptureModeGlobal && mode <= cudaStreamCaptureModeRelaxed;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return stream_call(handle, [&](State &, const std::shared_ptr<Stream> &stream) {
    if (stream->legacy) {
      return cudaErrorStreamCaptureUnsupported;
    }
    if (stream->capture != nullptr) {
      return cudaErrorIllegalState;
    }
    if (!valid(mode)) {
      return cudaErrorInvalidValue;
    }
    stream->capture = std::make_shared<Capture>();
    stream->capture->mode = mode;
    stream->capture->thread = std::this_thread::get_id();
    stream->capture->origin = stream;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *graph) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    const std::shared_ptr<Capture> capture = stream->capture;
    if (graph == nullptr) {
      return cudaErrorInvalidValue;
    }
    *graph = nullptr;
    if (capture == nullptr) {
      return cudaErrorIllegalState;
    }
    if (capture->origin.lock() != stream) {
      return cudaErrorStreamCaptureUnmatched;
    }
    if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != std::this_thread::get_id()) {
      return cudaErrorStreamCaptureWrongThread;
    }
    for (const auto &member : all.streams.capturing(capture.get())) {
      member->capture = nullptr;
    }
    if (capture->invalid) {
      return cudaErrorStreamCaptureInvalidated;
    }
    auto *made = new CUgraph_st{std::move(capture->operations)};
    all.graphs.insert(made);
    return give(graph, made);
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus *status) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    if (stream->legacy) {
      for (const auto &other : all.streams.capturing()) {
        if (other->blocking && other->device == stream->device) {
          return cudaErrorStreamCaptureImplicit;
        }
      }
    }
    return give(status, stream->capture == nullptr ? cudaStreamCaptureStatusNone
                        : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                                   : cudaStreamCaptureStatusActive);
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode) {
  return call([&](State &) {
    if (mode == nullptr || !valid(*mode)) {
      return cudaErrorInvalidValue;
    }
    std::swap(*mode, mine().mode);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags) {
  return call([&](State &all) {
    if (exec == nullptr || all.graphs.count(graph) == 0 || flags != 0) {
      return cudaErrorInvalidValue;
    }
    auto *made = new CUgraphExec_st{graph->operations};
    all.execs.insert(made);
    return give(exec, made);
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    if (all.execs.count(exec) == 0) {
      return cudaErrorInvalidValue;
    }
    for (const auto &operation : exec->operations) {
      if (const cudaError_t error = all.streams.submit(stream, operation); error != cudaSuccess) {
        return error;
      }
    }
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return give_back_call([&](State &all) { return destroy(all.graphs, graph); });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return give_back_call([&](State &all) { return destroy(all.execs, exec); });
}

}  // extern "C"
