// One problem on a GPU back end: its plan and arrays on the device that was current when it was made, and calls of it
// that only launch. Arrays are of f32's size whatever the type; what a test wants otherwise, it changes in `forward`
// and `backward`.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/handles.h"

namespace rondo::test::gpu {

// The two under test, of the type that the library calls them.
inline constexpr rondo_backend_t on_fused = RONDO_BACKEND_FUSED, on_cudnn = RONDO_BACKEND_CUDNN;

struct Shape {
  rondo_backend_t backend = RONDO_BACKEND_FUSED;
  rondo_sequence_t sequence = RONDO_SEQUENCE_FULL;
  rondo_mode_t mode = RONDO_TRAINING;
  rondo_cell_t cell = RONDO_CELL_LSTM;
  int64_t T = 4, N = 3, I = 3, H = 4, L = 1, D = 1;
  double dropout = 0;
  std::vector<std::pair<rondo_attribute_t, int64_t>> attributes{};  // more of them

  Shape with(rondo_attribute_t attribute, int64_t value) const;
  Shape with(rondo_sequence_t other) const;
  rondo_dtype_t dtype() const;  // as the attributes say, else f32
};

Rnn make_rnn(const Shape &shape);
Plan make_plan(const Context &context, const Shape &shape);
std::string explained(const Context &context, const Shape &shape);

// Device memory of the current device.
class DeviceArray {
 public:
  explicit DeviceArray(size_t bytes);
  void *get() const { return memory_.get(); }
  size_t size() const { return size_; }
  // Bytes from begin on; waits.
  void write(const void *from, size_t bytes, size_t begin = 0) const;
  void fill(unsigned char value) const;
  std::vector<unsigned char> read() const;

 private:
  std::shared_ptr<void> memory_;
  size_t size_;
};

template <class T>
DeviceArray device_array(const std::vector<T> &values) {
  DeviceArray array(values.size() * sizeof(T));
  array.write(values.data(), array.size());
  return array;
}

// What a call is given in host memory: the library may use it during the call only.
struct HostArrays {
  std::vector<int64_t> lengths, batch_sizes, sorted_indices;
  std::vector<const void *> params;
  std::vector<void *> dparams;
};

using Bytes = std::map<std::string, std::vector<unsigned char>>;

class Rig {
 public:
  // `seed` chooses the values of all arrays.
  Rig(const Context &context, const Shape &shape, uint64_t seed = 1);
  ~Rig();
  Rig(const Rig &) = delete;
  Rig &operator=(const Rig &) = delete;

  rondo_forward_args_t forward{};
  rondo_backward_args_t backward{};

  rondo_plan_t plan() const { return plan_.get(); }
  cudaStream_t stream() const { return stream_; }
  const Shape &shape() const { return shape_; }
  const DeviceArray &array(const std::string &name) const { return arrays_.at(name); }

  void run_forward() const { check(rondo_forward(plan_.get(), &forward)); }
  void run_backward() const { check(rondo_backward(plan_.get(), &backward)); }
  // Both, from spoiled outputs; waits.
  Bytes results();
  void synchronize() const;
  // Outputs as they are now, forward's and backward's; waits.
  Bytes outputs() const;
  // Outputs, workspace and reserve get bytes that no call leaves; waits.
  void spoil() const;

  // The sequences' lengths, however the plan's calls give them.
  void set_lengths(const std::vector<int64_t> &lengths);
  // Overwrites what the calls were given in host memory, and frees it.
  void take_host_arrays_away();
  void give_host_arrays_back() { set_lengths(lengths_); }

 private:
  void add(const std::string &name, int64_t bytes, bool output);
  void add_arrays();
  void bind_arrays();
  void bind_host_arrays();

  Shape shape_;
  Rnn rnn_;
  Plan plan_;
  cudaStream_t stream_ = nullptr;
  std::map<std::string, DeviceArray> arrays_;
  std::vector<std::string> outputs_;
  std::vector<int64_t> lengths_;
  std::unique_ptr<HostArrays> host_;
};

// What a stream captured while `body` ran; replayed any number of times.
class Graph {
 public:
  Graph(cudaStream_t stream, const std::function<void()> &body);
  ~Graph();
  Graph(const Graph &) = delete;
  Graph &operator=(const Graph &) = delete;
  // Waits.
  void replay(cudaStream_t stream) const;

 private:
  cudaGraphExec_t exec_ = nullptr;
};

// The text of a call that must fail with this status; a text that no failure has where it does not.
std::string failure(rondo_status_t expected, rondo_status_t given);

// The text of a plan that must be refused with this status.
std::string refused_plan(rondo_status_t status, const Shape &shape);

// Calls of both, interleaved, give the bytes that each gives alone.
void check_interleaved(Rig &one, Rig &other);

// Sets a variable of the environment for as long as it lives.
class Variable {
 public:
  Variable(std::string name, const std::string &value);
  ~Variable();
  Variable(const Variable &) = delete;
  Variable &operator=(const Variable &) = delete;

 private:
  std::string name_;
  std::string before_;
  bool was_set_;
};

}  // namespace rondo::test::gpu
