// Streams, events and captures: queues of operations that run when somebody waits for them.
// An operation runs after those before it in its stream and after the positions it names in others. Not locked here.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace rondo_emulator {

using Stream = CUstream_st;

// The first `number` operations of a stream.
struct Position {
  std::shared_ptr<Stream> stream;
  uint64_t number = 0;
};

struct Operation {
  std::function<void()> run;  // empty: only order
  const char *label = "";
  std::vector<Position> after;
  bool counts = true;  // it takes time
};

struct Capture {
  cudaStreamCaptureMode mode;
  std::thread::id thread;
  std::weak_ptr<Stream> origin;
  bool invalid = false;
  std::vector<Operation> operations;
};

}  // namespace rondo_emulator

struct CUstream_st {
  int device = 0;
  bool legacy = false;    // the device's default stream
  bool blocking = false;  // keeps order with the default stream
  std::deque<rondo_emulator::Operation> queue;
  uint64_t issued = 0, done = 0;
  double cost = 0;  // units of all that ran
  std::shared_ptr<rondo_emulator::Capture> capture;
};

struct CUevent_st {
  int device = 0;
  bool timed = true;
  rondo_emulator::Position position;  // of the last record
  std::shared_ptr<double> cost;       // the stream's, when that record ran
  std::weak_ptr<rondo_emulator::Capture> capture;
  bool captured = false;  // recorded into a capture last
};

struct CUgraph_st {
  std::vector<rondo_emulator::Operation> operations;
};

struct CUgraphExec_st {
  std::vector<rondo_emulator::Operation> operations;
};

namespace rondo_emulator {

class Streams {
 public:
  std::shared_ptr<Stream> make(int device, bool blocking);
  bool destroy(Stream *stream);
  // NULL and cudaStreamLegacy: the device's default stream; empty for an unknown handle.
  std::shared_ptr<Stream> find(Stream *handle, int device);
  int64_t count() const { return static_cast<int64_t>(made_.size()); }

  // Into the stream's queue, or the graph where it captures.
  cudaError_t submit(const std::shared_ptr<Stream> &stream, Operation operation);

  void run_up_to(Stream &stream, uint64_t number);
  void run_one(Stream &stream);
  void run_device(int device);
  void drop_all();
  // Within an operation: more of its time.
  void add_cost(double units);
  double running_cost() const { return running_ != nullptr ? running_->cost : 0; }
  int64_t operations_run() const { return operations_run_; }
  std::function<double(const char *)> cost_of;

  // Whether the thread may do what a capture forbids: if not, the captures concerned are invalid afterwards.
  cudaError_t allow_unsafe(cudaStreamCaptureMode thread_mode);
  std::vector<std::shared_ptr<Stream>> capturing(const Capture *capture = nullptr) const;

 private:
  std::shared_ptr<Stream> legacy(int device);
  std::vector<Position> order_of(const std::shared_ptr<Stream> &stream);
  void all(const std::function<void(Stream &)> &visit);
  void tidy();

  std::vector<std::shared_ptr<Stream>> made_, legacy_;
  std::vector<std::shared_ptr<Stream>> destroyed_;  // with work left
  Stream *running_ = nullptr;
  int64_t operations_run_ = 0;
};

}  // namespace rondo_emulator
