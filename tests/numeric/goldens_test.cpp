// The library against PyTorch's committed results: f64, f32, and parameter names as PyTorch spells them.
// Packed cases run as they are and as padded rows with lengths in the caller's order.
#include "goldens.h"
#include "against_oracle.h"

namespace rondo::test {
namespace {

void check_case(const Golden &golden, Dtype dtype, WorstFigures &figures) {
  const Bounds bounds = bounds_for(golden.problem, dtype);
  const Errors errors = errors_between(run_library(golden.problem, golden.values, with_dtype(dtype)), golden.results);
  INFO(golden.name << ' ' << dtype_name(dtype) << ": " << errors.forward.tensor << ", " << errors.gradient.tensor);
  CHECK(errors.forward.error <= bounds.forward);
  CHECK(errors.gradient.error <= bounds.gradient);
  const std::string group = cell_name(golden.problem.cell) + " " + dtype_name(dtype);
  figures.record(group, "forward", errors.forward.error, bounds.forward);
  figures.record(group, "gradients", errors.gradient.error, bounds.gradient);
}

std::vector<std::string> library_names(const Problem &problem) {
  const Rnn rnn = make_rnn();
  const auto set = [&](rondo_attribute_t attribute, std::int64_t value) {
    check(rondo_rnn_set_int(rnn.get(), attribute, value));
  };
  set(RONDO_ATTR_CELL, static_cast<std::int64_t>(problem.cell));
  set(RONDO_ATTR_INPUT_SIZE, problem.I);
  set(RONDO_ATTR_HIDDEN_SIZE, problem.H);
  set(RONDO_ATTR_PROJ_SIZE, problem.P);
  set(RONDO_ATTR_NUM_LAYERS, problem.L);
  set(RONDO_ATTR_BIDIRECTIONAL, problem.D - 1);
  set(RONDO_ATTR_BIAS, problem.bias ? 1 : 0);
  set(RONDO_ATTR_SINGLE_CELL, problem.single_cell ? 1 : 0);
  std::int64_t count = 0;
  check(rondo_rnn_param_count(rnn.get(), &count));
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) {
    rondo_param_info_t info{};
    info.struct_size = sizeof(info);
    check(rondo_rnn_param_info(rnn.get(), i, &info));
    names.emplace_back(info.name);
  }
  return names;
}

}  // namespace

TEST_CASE("the library equals PyTorch", "[numeric][golden]") {
  for (const Dtype dtype : {Dtype::f64, Dtype::f32}) {
    const std::vector<Golden> goldens = read_goldens(dtype);
    WorstFigures figures("library against " + goldens.front().made_with);
    for (const Golden &golden : goldens) {
      check_case(golden, dtype, figures);
      if (golden.problem.sequence == Sequence::packed) check_case(unpacked(golden), dtype, figures);
    }
  }
}

TEST_CASE("parameters bear PyTorch's names in PyTorch's order", "[numeric][golden]") {
  for (const Golden &golden : read_goldens(Dtype::f64)) {
    INFO(golden.name);
    CHECK(library_names(golden.problem) == golden.param_names);
  }
}

TEST_CASE("packing helpers equal torch.nn.utils.rnn", "[numeric][golden]") {
  for (const Golden &golden : read_goldens(Dtype::f64)) {
    if (golden.problem.sequence != Sequence::packed) continue;
    INFO(golden.name);
    const Problem &problem = golden.problem;
    const auto N = static_cast<std::size_t>(problem.N);
    std::vector<std::int64_t> batch_sizes(static_cast<std::size_t>(problem.T)), sorted(N), unsorted(N);
    std::int64_t T = 0;
    std::int64_t S = 0;
    check(rondo_batch_sizes_from_lengths(golden.lengths.data(), problem.N, problem.sorted_indices.empty() ? 1 : 0,
                                         batch_sizes.data(), problem.T, &T, &S, sorted.data(), unsorted.data()));
    CHECK(T == problem.T);
    CHECK(S == problem.positions());
    CHECK(batch_sizes == problem.batch_sizes());
    for (std::size_t row = 0; row < N; ++row)
      CHECK(unsorted[static_cast<std::size_t>(sorted[row])] == std::int64_t(row));
    // torch.sort is not stable, so rows of equal length may stand in another order there.
    for (std::size_t row = 0; row < N; ++row) {
      CHECK(golden.lengths[static_cast<std::size_t>(sorted[row])] == problem.lengths[row]);
    }
  }
}

}  // namespace rondo::test
