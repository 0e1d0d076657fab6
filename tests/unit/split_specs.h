// What tests of the cost model and of shares are about: every cell, specs of one layer, their dimensions.
#pragma once

#include <array>
#include <cstdint>

#include "backend/cpu/dimensions.h"

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

}  // namespace rondo_test
