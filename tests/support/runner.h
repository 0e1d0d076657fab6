// Runs a problem on the library through its public C interface only, and gives the results back in double.
// Arrays lie where the plan wants them (memory_space.h), so that one suite runs once per back end (environment.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "library_plan.h"
#include "typed_array.h"

namespace rondo::test {

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
  // How many lengths in device memory were out of bounds, of all forward calls.
  std::uint32_t device_faults() const;

 private:
  struct Batch {
    rondo_batch_t args{};
    std::vector<std::int64_t> lengths, batch_sizes, sorted_indices;
    std::vector<std::int32_t> lengths32;
    AlignedBuffer device_lengths, device_faults;
  };

  void describe_batch();
  void describe_lengths();
  void allocate();
  void write_device_lengths();
  void check_guards() const;

  const Problem problem_;
  const RunOptions options_;
  const Dtype cell_state_, param_grad_;
  const LibraryPlan library_;
  const MemorySpace space_;
  Batch batch_;
  AlignedBuffer seed_and_offset_, workspace_, reserve_, packed_;
  TypedArray x_, h0_, c0_, dy_, dhn_, dcn_;
  std::vector<TypedArray> params_, dparams_;
  std::vector<const void *> param_pointers_;
  TypedArray y_, hn_, cn_, dx_, dh0_, dc0_;
};

// Forward, and backward when the problem is a training one, in one go.
Results run_library(const Problem &problem, const Values &values, const RunOptions &options,
                    const GradientChoice &choice = {});

}  // namespace rondo::test
