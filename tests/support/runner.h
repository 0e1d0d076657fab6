// Runs a problem on the library through its public C interface only, and gives the results back in double.
// The environment's RONDO_TEST_BACKEND (cpu, fused or cudnn) names the back end: one suite, run once per back end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "handles.h"
#include "problem.h"
#include "typed_array.h"

namespace rondo::test {

struct RunOptions {
  Dtype dtype = Dtype::f32;
  bool cell_state_f32 = false;
  bool param_grad_f32 = false;
  std::int64_t threads = 0;  // 0: the context's default
  // How much larger than the call the plan's maxima are.
  std::int64_t extra_T = 0, extra_N = 0, extra_S = 0;
  bool tight_S = false;          // max_S is the call's own sum of lengths, else 0 (T*N)
  bool pack_params = false;      // forward takes rondo_plan_pack_params' output
  bool lengths32 = false;        // int32 lengths
  bool seed_by_pointer = false;  // seed and offset are read from memory
};

// Which gradients are asked for; the others are given as NULL.
struct GradientChoice {
  bool dx = true, dh0 = true, dc0 = true, dparams = true;
  std::vector<bool> params{};  // empty: all
  bool accumulate = false;     // add to what the last backward left
};

// One plan with its arrays. Training or inference is the problem's `training`.
class Runner {
 public:
  Runner(const Problem &problem, const RunOptions &options);

  // values: already rounded to the types they are stored in (see stored()).
  void forward(const Values &values);
  void backward(const GradientChoice &choice = {});
  // Gradients that were not asked for are empty; all are before backward.
  Results results() const;
  // Every output and gradient as the library wrote it, for comparisons bit for bit.
  std::vector<std::uint8_t> bytes() const;
  std::string backend_name() const;

 private:
  struct Batch {
    rondo_batch_t args{};
    std::vector<std::int64_t> lengths, batch_sizes, sorted_indices;
    std::vector<std::int32_t> lengths32;
  };

  void describe_batch();
  void make_plan_and_memory();
  void check_guards() const;

  const Problem problem_;
  const RunOptions options_;
  const Dtype cell_state_, param_grad_;
  Rnn rnn_;
  Plan plan_;
  Batch batch_;
  std::uint64_t seed_, offset_;
  AlignedBuffer workspace_, reserve_, packed_;
  TypedArray x_, h0_, c0_, dy_, dhn_, dcn_;
  std::vector<TypedArray> params_, dparams_;
  std::vector<const void *> param_pointers_;
  TypedArray y_, hn_, cn_, dx_, dh0_, dc0_;
};

// Forward, and backward when the problem is a training one, in one go.
Results run_library(const Problem &problem, const Values &values, const RunOptions &options,
                    const GradientChoice &choice = {});

}  // namespace rondo::test
