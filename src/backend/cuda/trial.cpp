// The data is one small finite number everywhere: times do not depend on it, and no type makes an infinity of it.
#include "backend/cuda/trial.h"

#include <algorithm>

#include "backend/cuda/error.h"
#include "core/arena.h"
#include "core/parameters.h"

namespace rondo::cuda {
namespace {

// As f16 0.065, as bf16, f32 and f64 smaller.
constexpr int fill_byte = 0x2C;
// Beyond this a single measurement is good enough, and a plan should not take minutes.
constexpr float long_run_milliseconds = 200.0F;
constexpr size_t repetitions = 5;

}  // namespace

// Every array of the two calls; without a base the arena only counts.
struct Trial::Data {
  char *x, *y, *h0, *hn, *c0, *cn, *dy, *dx, *dh0, *dc0, *params, *dparams, *workspace, *reserve;
  int32_t *lengths;  // only where the plan takes them from the device

  Data(Arena &arena, const Spec &spec, const Problem &problem, const MemoryNeeds &needs) {
    const Checked element = dtype_size(spec.storage());
    const Checked states = Checked(spec.num_layers) * spec.directions() * problem.max_N * element;
    const Checked input = Checked(problem.max_S) * spec.input_size * element;
    const Checked output = Checked(problem.max_S) * spec.directions() * spec.output() * element;
    const Checked flat = Checked(flat_size(spec)) * element;
    const int64_t backward = problem.training ? 1 : 0;
    const int64_t cell_state = spec.has_cell_state() ? 1 : 0;
    x = arena.take<char>(input);
    y = arena.take<char>(output);
    h0 = arena.take<char>(states * spec.output());
    hn = arena.take<char>(states * spec.output());
    c0 = arena.take<char>(states * spec.hidden_size * cell_state);
    cn = arena.take<char>(states * spec.hidden_size * cell_state);
    dy = arena.take<char>(output * backward);
    dx = arena.take<char>(input * backward);
    dh0 = arena.take<char>(states * spec.output() * backward);
    dc0 = arena.take<char>(states * spec.hidden_size * cell_state * backward);
    params = arena.take<char>(flat);
    dparams = arena.take<char>(flat * backward);
    workspace = arena.take<char>(needs.workspace);
    reserve = arena.take<char>(needs.reserve);
    lengths = arena.take<int32_t>(problem.sequence == RONDO_SEQUENCE_DEVICE_LENGTHS ? problem.max_N : 0);
  }
};

Trial::~Trial() {
  // Failures to give back have nobody to be told to.
  static_cast<void>(begin_ != nullptr ? cudaEventDestroy(begin_) : cudaSuccess);
  static_cast<void>(end_ != nullptr ? cudaEventDestroy(end_) : cudaSuccess);
  static_cast<void>(stream_ != nullptr ? cudaStreamSynchronize(stream_) : cudaSuccess);
  static_cast<void>(stream_ != nullptr ? cudaStreamDestroy(stream_) : cudaSuccess);
  static_cast<void>(block_ != nullptr ? cudaFree(block_) : cudaSuccess);
}

Status Trial::prepare(const MemoryNeeds &needs) {
  Arena count(nullptr);
  const Data counted(count, spec_, problem_, needs);
  if (count.used().overflowed()) {
    return fail(RONDO_ERROR_OUT_OF_MEMORY, "a trial's memory overflows int64");
  }
  const auto bytes = static_cast<size_t>(count.used().value());
  RONDO_CUDA(cudaMalloc(&block_, bytes));
  RONDO_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  RONDO_CUDA(cudaEventCreate(&begin_));
  RONDO_CUDA(cudaEventCreate(&end_));
  RONDO_CUDA(cudaMemsetAsync(block_, fill_byte, bytes, stream_));
  Arena arena(block_);
  const Data data(arena, spec_, problem_, needs);
  bind(data, needs);
  RONDO_TRY(set_batch(data.lengths));
  return {};
}

void Trial::bind(const Data &data, const MemoryNeeds &needs) {
  const bool has_c = spec_.has_cell_state();
  for (int64_t index = 0; index < param_count(spec_); ++index) {
    const int64_t offset = param_at(spec_, index).offset * dtype_size(spec_.storage());
    params_.push_back(data.params + offset);
    dparams_.push_back(data.dparams + offset);
  }
  rondo_forward_args_t &f = forward_.args;
  f.x = data.x;
  f.h0 = data.h0;
  f.c0 = has_c ? data.c0 : nullptr;
  f.params = params_.data();
  f.param_count = param_count(spec_);
  f.y = data.y;
  f.hn = data.hn;
  f.cn = has_c ? data.cn : nullptr;
  f.workspace = data.workspace;
  f.workspace_size = needs.workspace;
  f.reserve = problem_.training ? data.reserve : nullptr;
  f.reserve_size = needs.reserve;
  f.stream = stream_;
  rondo_backward_args_t &b = backward_.args;
  b.x = f.x;
  b.h0 = f.h0;
  b.c0 = f.c0;
  b.params = f.params;
  b.param_count = f.param_count;
  b.y = f.y;
  b.dy = data.dy;
  b.dx = data.dx;
  b.dh0 = data.dh0;
  b.dc0 = has_c ? data.dc0 : nullptr;
  b.dparams = dparams_.data();
  b.workspace = f.workspace;
  b.workspace_size = f.workspace_size;
  b.reserve = f.reserve;
  b.reserve_size = f.reserve_size;
  b.stream = stream_;
}

Status Trial::set_batch(int32_t *device_lengths) {
  Batch batch{};
  batch.sequence = problem_.sequence;
  batch.N = std::min(problem_.max_N, problem_.max_S);
  batch.T = std::min(problem_.max_T, problem_.max_S);
  const int64_t whole = problem_.max_S / batch.T;  // rows that every step has
  const int64_t more = problem_.max_S % batch.T;   // steps that have one more
  batch.S = problem_.max_S;
  switch (problem_.sequence) {
    case RONDO_SEQUENCE_FULL:
      batch.T = std::min(batch.T, problem_.max_S / batch.N);
      batch.S = batch.T * batch.N;
      break;
    case RONDO_SEQUENCE_LENGTHS:
      for (int64_t n = 0; n < batch.N; ++n) {
        lengths_.push_back(n < whole ? batch.T : n == whole ? more : 0);
      }
      batch.lengths = lengths_.data();
      break;
    case RONDO_SEQUENCE_PACKED:
      for (int64_t t = 0; t < batch.T; ++t) {
        batch_sizes_.push_back(whole + (t < more ? 1 : 0));
      }
      batch.batch_sizes = batch_sizes_.data();
      break;
    case RONDO_SEQUENCE_DEVICE_LENGTHS: {
      const std::vector<int32_t> all(static_cast<size_t>(batch.N), static_cast<int32_t>(batch.T));
      RONDO_CUDA(
          cudaMemcpyAsync(device_lengths, all.data(), all.size() * sizeof(int32_t), cudaMemcpyHostToDevice, stream_));
      RONDO_CUDA(cudaStreamSynchronize(stream_));
      batch.device_lengths32 = device_lengths;
      break;
    }
  }
  forward_.batch = batch;
  backward_.batch = batch;
  return {};
}

Status Trial::time(const Executor &executor, double *milliseconds) {
  float first = 0;
  RONDO_TRY(run(executor, &first));
  std::vector<float> times(first > long_run_milliseconds ? 1 : repetitions);
  for (float &taken : times) {
    RONDO_TRY(run(executor, &taken));
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  *milliseconds = static_cast<double>(*middle);
  return {};
}

Status Trial::run(const Executor &executor, float *milliseconds) const {
  RONDO_CUDA(cudaEventRecord(begin_, stream_));
  RONDO_TRY(executor.forward(forward_));
  if (problem_.training) {
    RONDO_TRY(executor.backward(backward_));
  }
  RONDO_CUDA(cudaEventRecord(end_, stream_));
  RONDO_CUDA(cudaEventSynchronize(end_));
  RONDO_CUDA(cudaEventElapsedTime(milliseconds, begin_, end_));
  return {};
}

}  // namespace rondo::cuda
