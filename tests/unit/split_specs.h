// What tests of the cost model and of shares are about: every cell, specs of one layer, their dimensions and costs.
#pragma once

#include <array>
#include <cstdint>

#include "backend/cpu/split.h"

namespace rondo_test {

inline constexpr std::array<std::int64_t, 4> all_cells = {RONDO_CELL_RNN_TANH, RONDO_CELL_RNN_RELU, RONDO_CELL_LSTM,
                                                          RONDO_CELL_GRU};

inline rondo::Spec spec_of(std::int64_t cell, std::int64_t I, std::int64_t H) {
  rondo::Spec spec;
  spec.cell = cell;
  spec.input_size = I;
  spec.hidden_size = H;
  return spec;
}

template <class C>
rondo::cpu::Dimensions dimensions(const rondo::Spec &spec) {
  const auto &kernel = rondo::kernels::kernels<C>();
  return {spec, kernel.lanes, kernel.panel_vectors, nullptr};
}

// In f32, with 2 MiB of second level.
inline rondo::cpu::SplitCosts costs_of(const rondo::Spec &spec, const rondo::cpu::Work &work, int threads,
                                       double meeting_ns) {
  return split_costs(dimensions<float>(spec), sizeof(float), work, threads, {meeting_ns, 0}, 2 << 20);
}

// Units of a network with as many multiply-adds a step as one of 64 units has with 16 lanes.
inline std::int64_t small_network() {
  const int lanes = rondo::kernels::kernels<float>().lanes;
  return lanes >= 16 ? 64 : lanes >= 8 ? 48 : 32;
}

}  // namespace rondo_test
