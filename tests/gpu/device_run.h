// One shape on one of rondo's back ends, its arrays in device memory: what the benchmark, the soak and the capture
// share. It goes through rondo.h alone. On the CPU back end the same code runs in host memory, which is how it is
// tested.
#pragma once

#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "handles.h"
#include "shape.h"

namespace rondo::gpu {

// Memory on a plan's device.
class PlacedBuffer {
 public:
  PlacedBuffer() = default;
  PlacedBuffer(rondo_device_t device, int64_t bytes);
  PlacedBuffer(const PlacedBuffer &) = delete;
  PlacedBuffer &operator=(const PlacedBuffer &) = delete;
  PlacedBuffer(PlacedBuffer &&other) noexcept { swap(other); }
  PlacedBuffer &operator=(PlacedBuffer &&other) noexcept {
    swap(other);
    return *this;
  }
  ~PlacedBuffer();

  void *data() const { return memory_; }
  int64_t size() const { return bytes_; }
  // Done when the call returns.
  void write(const void *from, int64_t bytes, void *stream) const;
  void read(void *to, int64_t offset, int64_t bytes, void *stream) const;

 private:
  void swap(PlacedBuffer &other) noexcept;

  rondo_device_t device_ = RONDO_DEVICE_CPU;
  int64_t bytes_ = 0;
  void *memory_ = nullptr;
};

// On the CPU a stream is NULL.
class Stream {
 public:
  explicit Stream(rondo_device_t device);
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;
  ~Stream();
  void *get() const { return stream_; }
  void synchronize() const;

 private:
  rondo_device_t device_;
  void *stream_ = nullptr;
};

// The fused back end's tiers of persistent kernels, as RONDO_FUSED_TIER names them.
inline constexpr const char *tier_names[] = {"single", "cluster", "grid"};
inline std::set<std::string> tiers() { return {std::begin(tier_names), std::end(tier_names)}; }
// What a tier may serve: the rest is none of its affair. Its kernels of f32 are others than those of the 16-bit types.
inline bool has_tiers(rondo_dtype_t dtype) { return dtype != RONDO_F64; }
inline bool has_tiers(rondo_dtype_t dtype, bool f32) { return has_tiers(dtype) && (dtype == RONDO_F32) == f32; }

struct RunChoice {
  rondo_backend_t backend = RONDO_BACKEND_AUTO;
  std::string tier{};  // of the fused back end, which must then serve; empty: as the library chooses
  bool autotune = false, deterministic = false, allow_tf32 = false;
  bool pack_params = false;  // inference only
  double dropout = 0;        // with seed and offset in device memory
};

class DeviceRun {
 public:
  DeviceRun(const rondo::test::Context &context, const Shape &shape, const RunChoice &choice);

  const Shape &shape() const { return shape_; }
  std::string backend_name() const { return rondo_plan_backend_name(plan_.get()); }
  std::string explain() const { return rondo_plan_explain(plan_.get()); }
  rondo_device_t device() const { return device_; }

  void fill(const Stream &stream);
  // x, dy, the seed and, with device lengths, the lengths are drawn anew; variant 0 is what fill() did.
  void refill(int64_t variant, const Stream &stream);
  void write_seed(int64_t variant, const Stream &stream);
  // Only enqueued.
  void forward(const Stream &stream);
  void backward(const Stream &stream);
  void call(const Stream &stream);  // forward and, in training, backward

  // Every output and gradient, as bytes.
  std::vector<unsigned char> outputs(const Stream &stream) const;
  // Outputs are overwritten with NaN, so that a call that writes nothing is seen.
  void poison(const Stream &stream);
  // Some elements of y; throws where one is not finite or all are zero.
  std::vector<double> probe(const Stream &stream) const;

 private:
  void describe(const RunChoice &choice);
  void make_plan(const rondo::test::Context &context, const std::string &tier);
  void place();
  void write_lengths(int64_t variant, const Stream &stream);
  PlacedBuffer buffer(int64_t elements) const;
  std::vector<const PlacedBuffer *> written() const;

  const Shape shape_;
  const bool pack_params_, has_dropout_;
  rondo::test::Rnn rnn_;
  rondo::test::Plan plan_;
  rondo_device_t device_ = RONDO_DEVICE_CPU;
  rondo_batch_t batch_{};
  std::vector<int64_t> lengths_, batch_sizes_;
  PlacedBuffer device_lengths_, seed_and_offset_;
  PlacedBuffer x_, dy_, y_, hn_, cn_, dx_, workspace_, reserve_, packed_;
  std::vector<PlacedBuffer> params_, dparams_;
  std::vector<const void *> param_pointers_;
  std::vector<void *> dparam_pointers_;
};

}  // namespace rondo::gpu
