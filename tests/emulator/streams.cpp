// The queues and their order. Work runs as late as it may: waiting for one stream leaves the others standing, unless an
// event or the default stream ties them together.
#include "streams.h"

#include <algorithm>
#include <utility>

#include "fault.h"

namespace rondo_emulator {

std::shared_ptr<Stream> Streams::make(int device, bool blocking) {
  auto stream = std::make_shared<Stream>();
  stream->device = device;
  stream->blocking = blocking;
  made_.push_back(stream);
  return stream;
}

bool Streams::destroy(Stream *handle) {
  const auto at = std::find_if(made_.begin(), made_.end(), [&](const auto &stream) { return stream.get() == handle; });
  if (at == made_.end()) {
    return false;
  }
  if ((*at)->capture != nullptr) {
    (*at)->capture->invalid = true;
  }
  if (!(*at)->queue.empty()) {
    destroyed_.push_back(*at);
  }
  made_.erase(at);
  return true;
}

std::shared_ptr<Stream> Streams::legacy(int device) {
  while (legacy_.size() <= static_cast<size_t>(device)) {
    auto stream = std::make_shared<Stream>();
    stream->device = static_cast<int>(legacy_.size());
    stream->legacy = true;
    legacy_.push_back(stream);
  }
  return legacy_[static_cast<size_t>(device)];
}

std::shared_ptr<Stream> Streams::find(Stream *handle, int device) {
  if (handle == nullptr || handle == cudaStreamLegacy) {
    return legacy(device);
  }
  const auto at = std::find_if(made_.begin(), made_.end(), [&](const auto &stream) { return stream.get() == handle; });
  return at == made_.end() ? nullptr : *at;
}

void Streams::all(const std::function<void(Stream &)> &visit) {
  for (const auto *list : {&made_, &legacy_, &destroyed_}) {
    for (const auto &stream : *list) {
      visit(*stream);
    }
  }
}

// What the default stream orders: it comes after everything in blocking streams, and they after it.
std::vector<Position> Streams::order_of(const std::shared_ptr<Stream> &stream) {
  std::vector<Position> after;
  if (stream->legacy) {
    for (const auto *list : {&made_, &destroyed_}) {
      for (const auto &other : *list) {
        if (other->device == stream->device && other->blocking && other->done < other->issued) {
          after.push_back({other, other->issued});
        }
      }
    }
  } else if (stream->blocking) {
    const auto other = legacy(stream->device);
    if (other->done < other->issued) {
      after.push_back({other, other->issued});
    }
  }
  return after;
}

cudaError_t Streams::submit(const std::shared_ptr<Stream> &stream, Operation operation) {
  if (stream->capture != nullptr) {
    if (stream->capture->invalid) {
      return cudaErrorStreamCaptureInvalidated;
    }
    stream->capture->operations.push_back(std::move(operation));
    return cudaSuccess;
  }
  if (stream->legacy) {
    for (const auto &other : capturing()) {
      if (other->blocking && other->device == stream->device) {
        other->capture->invalid = true;
        return cudaErrorStreamCaptureImplicit;
      }
    }
  }
  for (Position &position : order_of(stream)) {
    operation.after.push_back(std::move(position));
  }
  stream->queue.push_back(std::move(operation));
  ++stream->issued;
  return cudaSuccess;
}

void Streams::run_one(Stream &stream) {
  const Operation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  for (const Position &position : operation.after) {
    run_up_to(*position.stream, position.number);
  }
  if (faulty()) {
    return;
  }
  if (operation.counts) {
    stream.cost += cost_of ? cost_of(operation.label) : 1;
    ++operations_run_;
  }
  if (operation.run) {
    Stream *const outer = std::exchange(running_, &stream);
    operation.run();
    running_ = outer;
  }
  ++stream.done;
  if (faulty()) {
    drop_all();
  }
}

void Streams::run_up_to(Stream &stream, uint64_t number) {
  while (stream.done < number && !stream.queue.empty() && !faulty()) {
    run_one(stream);
  }
}

void Streams::run_device(int device) {
  std::vector<Stream *> standing;
  all([&](Stream &stream) {
    if (stream.device == device) {
      standing.push_back(&stream);
    }
  });
  for (Stream *stream : standing) {
    run_up_to(*stream, stream->issued);
  }
  tidy();
}

void Streams::tidy() {
  destroyed_.erase(
      std::remove_if(destroyed_.begin(), destroyed_.end(), [](const auto &stream) { return stream->queue.empty(); }),
      destroyed_.end());
}

void Streams::drop_all() {
  all([](Stream &stream) {
    stream.queue.clear();
    stream.done = stream.issued;
  });
}

void Streams::add_cost(double units) {
  if (running_ != nullptr) {
    running_->cost += units;
  }
}

std::vector<std::shared_ptr<Stream>> Streams::capturing(const Capture *capture) const {
  std::vector<std::shared_ptr<Stream>> found;
  std::copy_if(made_.begin(), made_.end(), std::back_inserter(found), [&](const auto &stream) {
    return stream->capture != nullptr && (capture == nullptr || stream->capture.get() == capture);
  });
  return found;
}

cudaError_t Streams::allow_unsafe(cudaStreamCaptureMode thread_mode) {
  if (thread_mode == cudaStreamCaptureModeRelaxed) {
    return cudaSuccess;
  }
  cudaError_t result = cudaSuccess;
  for (const auto &stream : capturing()) {
    Capture &capture = *stream->capture;
    const bool own = capture.thread == std::this_thread::get_id() && capture.mode != cudaStreamCaptureModeRelaxed;
    const bool global = thread_mode == cudaStreamCaptureModeGlobal && capture.mode == cudaStreamCaptureModeGlobal;
    if (own || global) {
      capture.invalid = true;
      result = cudaErrorStreamCaptureUnsupported;
    }
  }
  return result;
}

}  // namespace rondo_emulator
