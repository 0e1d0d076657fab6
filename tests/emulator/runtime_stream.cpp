// Stand-ins for the runtime's calls about streams and events. Asking whether work is done runs one operation,
// so that whoever asks in a loop gets there.
#include "runtime.h"

using rondo_emulator::call;
using rondo_emulator::give;
using rondo_emulator::give_back_call;
using rondo_emulator::mine;
using rondo_emulator::Operation;
using rondo_emulator::Position;
using rondo_emulator::State;
using rondo_emulator::Stream;
using rondo_emulator::stream_call;

namespace {

// Waiting for a stream, or asking it, is not for one that captures.
cudaError_t may_wait(State &all, Stream &stream) {
  if (stream.capture != nullptr) {
    stream.capture->invalid = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  return all.streams.allow_unsafe(mine().mode);
}

cudaError_t query(State &all, Stream &stream, uint64_t number) {
  const cudaError_t error = may_wait(all, stream);
  if (error != cudaSuccess || stream.done >= number) {
    return error;
  }
  all.streams.run_one(stream);
  return cudaErrorNotReady;
}

template <class Body>
cudaError_t event_call(cudaEvent_t event, Body &&body) {
  return call(
      [&](State &all) { return all.events.count(event) == 0 ? cudaErrorInvalidResourceHandle : body(all, *event); });
}

bool finished(const Position &position) { return position.stream->done >= position.number; }

}  // namespace

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
  return call([&](State &all) {
    if (stream == nullptr || flags > cudaStreamNonBlocking) {
      return cudaErrorInvalidValue;
    }
    return give(stream, all.streams.make(mine().device, flags == cudaStreamDefault).get());
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return give_back_call(
      [&](State &all) { return all.streams.destroy(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle; });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    const cudaError_t error = may_wait(all, *stream);
    if (error == cudaSuccess && stream->legacy) {
      // It has nothing of its own to wait for where blocking streams are busy, yet waits for them.
      if (const cudaError_t submitted = all.streams.submit(stream, Operation{{}, "", {}, false});
          submitted != cudaSuccess) {
        return submitted;
      }
    }
    if (error == cudaSuccess) {
      all.streams.run_up_to(*stream, stream->issued);
    }
    return error;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return stream_call(
      handle, [&](State &all, const std::shared_ptr<Stream> &stream) { return query(all, *stream, stream->issued); });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned flags) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    if (all.events.count(event) == 0) {
      return cudaErrorInvalidResourceHandle;
    }
    if (flags != 0) {
      return cudaErrorInvalidValue;
    }
    if (event->captured) {
      // The stream joins the capture, whose operations stand in one order anyway.
      const auto capture = event->capture.lock();
      if (capture == nullptr || stream->legacy || (stream->capture != nullptr && stream->capture != capture)) {
        return cudaErrorStreamCaptureIsolation;
      }
      stream->capture = capture;
      return cudaSuccess;
    }
    if (event->position.stream == nullptr) {
      return cudaSuccess;
    }
    if (stream->capture != nullptr) {
      stream->capture->invalid = true;
      return cudaErrorStreamCaptureIsolation;
    }
    return all.streams.submit(stream, Operation{{}, "", {event->position}, false});
  });
}

cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
  return call([&](State &all) {
    if (event == nullptr || flags > (cudaEventBlockingSync | cudaEventDisableTiming)) {
      return cudaErrorInvalidValue;
    }
    auto *made = new CUevent_st;
    made->device = mine().device;
    made->timed = (flags & cudaEventDisableTiming) == 0;
    all.events.insert(made);
    return give(event, made);
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return give_back_call([&](State &all) {
    if (all.events.erase(event) == 0) {
      return cudaErrorInvalidResourceHandle;
    }
    delete event;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  return stream_call(handle, [&](State &all, const std::shared_ptr<Stream> &stream) {
    if (all.events.count(event) == 0 || event->device != stream->device) {
      return cudaErrorInvalidResourceHandle;
    }
    if (stream->capture != nullptr) {
      event->captured = true;
      event->capture = stream->capture;
      return stream->capture->invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
    }
    auto cost = std::make_shared<double>(0);
    const auto read_clock = [cost, &streams = all.streams] { *cost = streams.running_cost(); };
    const cudaError_t error = all.streams.submit(stream, Operation{read_clock, "", {}, false});
    if (error == cudaSuccess) {
      event->captured = false;
      event->position = {stream, stream->issued};
      event->cost = std::move(cost);
    }
    return error;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return event_call(event, [](State &all, CUevent_st &self) {
    if (self.captured) {
      return cudaErrorCapturedEvent;
    }
    const cudaError_t error = all.streams.allow_unsafe(mine().mode);
    if (error == cudaSuccess && self.position.stream != nullptr) {
      all.streams.run_up_to(*self.position.stream, self.position.number);
    }
    return error;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return event_call(event, [](State &all, CUevent_st &self) {
    if (self.captured) {
      return cudaErrorCapturedEvent;
    }
    return self.position.stream == nullptr ? cudaSuccess : query(all, *self.position.stream, self.position.number);
  });
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end) {
  return call([&](State &all) {
    for (const cudaEvent_t event : {start, end}) {
      if (all.events.count(event) == 0 || !event->timed || event->captured || event->position.stream == nullptr) {
        return cudaErrorInvalidResourceHandle;
      }
    }
    if (!finished(start->position) || !finished(end->position)) {
      return cudaErrorNotReady;
    }
    return give(milliseconds, static_cast<float>((*end->cost - *start->cost) / 1000));
  });
}

}  // extern "C"
