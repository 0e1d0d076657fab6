// From a safetensors file and its metadata to problems.
// Parameters are stored as one flat array each case and cut here by the problem's own shapes.
#include "goldens.h"

#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "safetensors.h"

namespace rondo::test {
namespace {

std::string golden_folder() {
  if (const char *folder = std::getenv("RONDO_GOLDEN_DIR")) return folder;
#ifdef RONDO_TEST_GOLDEN_DIR
  return RONDO_TEST_GOLDEN_DIR;
#else
  throw std::runtime_error("the goldens' folder is not known: set RONDO_GOLDEN_DIR");
#endif
}

Cell cell_of(const std::string &name) {
  for (const Cell cell : {Cell::rnn_tanh, Cell::rnn_relu, Cell::lstm, Cell::gru}) {
    if (cell_name(cell) == name) return cell;
  }
  throw std::runtime_error("a golden names an unknown cell: " + name);
}

Problem problem_of(const nlohmann::json &entry) {
  Problem problem;
  problem.cell = cell_of(entry.at("cell").get<std::string>());
  for (auto [member, name] : {std::pair{&problem.I, "I"},
                              {&problem.H, "H"},
                              {&problem.P, "P"},
                              {&problem.L, "L"},
                              {&problem.D, "D"},
                              {&problem.T, "T"},
                              {&problem.N, "N"}}) {
    *member = entry.at(name).get<std::int64_t>();
  }
  problem.bias = entry.at("bias").get<bool>();
  problem.batch_major = entry.at("batch_major").get<bool>();
  problem.dropout = entry.at("dropout").get<double>();
  problem.single_cell = entry.at("single_cell").get<bool>();
  if (entry.at("sequence") != "packed") return problem;
  problem.sequence = Sequence::packed;
  problem.sorted_indices = entry.at("sorted_indices").get<std::vector<std::int64_t>>();
  // PyTorch's own batch_sizes decide the packed rows' lengths: row r runs as long as more than r rows do.
  const auto batch_sizes = entry.at("batch_sizes").get<std::vector<std::int64_t>>();
  problem.T = static_cast<std::int64_t>(batch_sizes.size());
  problem.lengths.assign(static_cast<std::size_t>(problem.N), 0);
  for (const std::int64_t running : batch_sizes) {
    for (std::int64_t row = 0; row < running; ++row) ++problem.lengths[static_cast<std::size_t>(row)];
  }
  return problem;
}

std::vector<std::vector<double>> cut(const Problem &problem, const std::vector<double> &flat) {
  std::vector<std::vector<double>> arrays;
  auto at = flat.begin();
  for (const ParamShape &shape : problem.param_shapes()) {
    if (flat.end() - at < shape.size()) throw std::runtime_error("a golden has too few parameters");
    arrays.emplace_back(at, at + shape.size());
    at += shape.size();
  }
  if (at != flat.end()) throw std::runtime_error("a golden has too many parameters");
  return arrays;
}

std::vector<double> padded(const Problem &packed, const Problem &target, const std::vector<double> &values,
                           std::int64_t features, double padding) {
  std::vector<double> result(static_cast<std::size_t>(target.positions() * features), padding);
  for (std::int64_t row = 0; row < packed.N; ++row) {
    for (std::int64_t t = 0; t < packed.length(row); ++t) {
      const std::int64_t from = packed.position(t, row) * features;
      const std::int64_t to = target.position(t, packed.state_row(row)) * features;
      for (std::int64_t k = 0; k < features; ++k) {
        result[static_cast<std::size_t>(to + k)] = values[static_cast<std::size_t>(from + k)];
      }
    }
  }
  return result;
}

}  // namespace

std::vector<Golden> read_goldens(Dtype dtype) {
  const SafeTensors file = read_safetensors(golden_folder() + "/torch_" + dtype_name(dtype) + ".safetensors");
  const auto description = nlohmann::json::parse(file.metadata.at("goldens"));
  std::vector<Golden> goldens;
  for (const auto &entry : description.at("cases")) {
    Golden golden;
    golden.name = entry.at("name").get<std::string>();
    golden.made_with = description.at("made_with").get<std::string>();
    golden.problem = problem_of(entry);
    golden.param_names = entry.at("params").get<std::vector<std::string>>();
    golden.lengths = entry.at("lengths").get<std::vector<std::int64_t>>();
    const auto tensor = [&](const std::string &name) { return file.tensors.at(golden.name + "/" + name).values; };
    const bool is_lstm = golden.problem.is_lstm();
    golden.values.x = tensor("x");
    golden.values.params = cut(golden.problem, tensor("params"));
    golden.values.dy = tensor("dy");
    golden.values.dhn = tensor("dhn");
    golden.results.y = tensor("y");
    golden.results.hn = tensor("hn");
    golden.results.dx = tensor("dx");
    golden.results.dparams = cut(golden.problem, tensor("dparams"));
    if (is_lstm) {
      golden.values.dcn = tensor("dcn");
      golden.results.cn = tensor("cn");
    }
    if (entry.at("states").get<bool>()) {
      golden.values.h0 = tensor("h0");
      golden.results.dh0 = tensor("dh0");
      if (is_lstm) {
        golden.values.c0 = tensor("c0");
        golden.results.dc0 = tensor("dc0");
      }
    }
    goldens.push_back(std::move(golden));
  }
  if (goldens.empty()) throw std::runtime_error("the goldens' file holds no case");
  return goldens;
}

Golden unpacked(const Golden &packed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Golden golden = packed;
  golden.name += " as lengths";
  golden.problem.sequence = Sequence::lengths;
  golden.problem.sorted_indices.clear();
  golden.problem.lengths = packed.lengths;
  const std::int64_t width = packed.problem.width();
  golden.values.x = padded(packed.problem, golden.problem, packed.values.x, packed.problem.I, nan);
  golden.values.dy = padded(packed.problem, golden.problem, packed.values.dy, width, nan);
  golden.results.y = padded(packed.problem, golden.problem, packed.results.y, width, 0.0);
  golden.results.dx = padded(packed.problem, golden.problem, packed.results.dx, packed.problem.I, 0.0);
  return golden;
}

}  // namespace rondo::test
