// Every split of a call's work among members gives the same bytes, forward and backward: outputs, states, gradients.
// Runs are bound by hand, past the cost model, so that each split meets every shape.
#include <cstdint>

#include "support/catch.h"
#include "unit/split_network.h"
#include "unit/split_specs.h"

using rondo::Spec;
using rondo::cpu::Team;
using rondo_test::check;

namespace {

Spec spec_of(std::int64_t cell, rondo_dtype_t dtype, std::int64_t I, std::int64_t H) {
  Spec spec = rondo_test::spec_of(cell, I, H);
  spec.dtype = dtype;
  spec.num_layers = 2;
  spec.bidirectional = 1;
  return spec;
}

template <class C>
void check_shapes(const Spec &spec, bool with_state = true) {
  REQUIRE(rondo::validate(spec).ok());
  Team team(3);
  for (const std::int64_t N : {1, 2, 3, 7, 50, 70}) {
    check<C>(spec, {RONDO_SEQUENCE_FULL, 1, N}, with_state, team);
    for (const auto sequence : {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}) {
      check<C>(spec, {sequence, 5, N}, with_state, team);
    }
  }
}

}  // namespace

TEST_CASE("every split gives the same bytes: f32", "[splits]") {
  check_shapes<float>(spec_of(RONDO_CELL_LSTM, RONDO_F32, 7, 40));
  // Whole vectors: the caller's states and gradients are used as they lie.
  check_shapes<float>(spec_of(RONDO_CELL_GRU, RONDO_F32, 32, 64));
  Spec spec = spec_of(RONDO_CELL_RNN_RELU, RONDO_F32, 5, 70);
  spec.layout = RONDO_BATCH_MAJOR;
  spec.padding_value = 0.5;
  check_shapes<float>(spec);
  spec = spec_of(RONDO_CELL_GRU, RONDO_F32, 9, 35);
  spec.dropout = 0.25;
  spec.bias = 0;
  check_shapes<float>(spec, false);
}

TEST_CASE("every split gives the same bytes: f64", "[splits]") {
  check_shapes<double>(spec_of(RONDO_CELL_GRU, RONDO_F64, 6, 21));
  check_shapes<double>(spec_of(RONDO_CELL_RNN_TANH, RONDO_F64, 8, 33), false);
}

TEST_CASE("every split gives the same bytes: projections", "[splits]") {
  Spec spec = spec_of(RONDO_CELL_LSTM, RONDO_F32, 7, 40);
  spec.proj_size = 19;
  check_shapes<float>(spec);
  spec = spec_of(RONDO_CELL_LSTM, RONDO_BF16, 7, 24);
  spec.proj_size = 23;
  check_shapes<float>(spec, false);
}

// With the processor's bf16 dot product where it has one.
TEST_CASE("every split gives the same bytes: 16 bits", "[splits]") {
  Spec spec = spec_of(RONDO_CELL_LSTM, RONDO_BF16, 7, 40);
  spec.cell_state_type = RONDO_AS_F32;
  check_shapes<float>(spec);
  check_shapes<float>(spec_of(RONDO_CELL_GRU, RONDO_BF16, 10, 33));
  spec = spec_of(RONDO_CELL_RNN_RELU, RONDO_F16, 3, 50);
  spec.param_grad_type = RONDO_AS_F32;
  check_shapes<float>(spec, false);
}

// Input products of several chunks, and weights that are read from far away.
TEST_CASE("every split gives the same bytes: long sequences and large weights", "[splits]") {
  Team team(3);
  Spec spec = spec_of(RONDO_CELL_LSTM, RONDO_F32, 5, 100);
  check<float>(spec, {RONDO_SEQUENCE_FULL, 60, 7}, true, team);
  check<float>(spec, {RONDO_SEQUENCE_LENGTHS, 60, 7}, true, team);
  // Each member makes those of its rows: throughout, and in the first and last chunk but not between them, where a step
  // has more rows for one member than for another.
  check<float>(spec, {RONDO_SEQUENCE_FULL, 100, 6}, true, team);
  check<float>(spec, {RONDO_SEQUENCE_LENGTHS, 144, 6, {144, 60, 144, 96, 144, 144}}, true, team);
  spec = spec_of(RONDO_CELL_GRU, RONDO_F64, 4, 200);
  spec.num_layers = 1;
  check<double>(spec, {RONDO_SEQUENCE_FULL, 5, 29}, true, team);
  // Input products of several pieces beside the steps: all in their place, and in two that take turns.
  for (const auto sequence : {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}) {
    check<float>(spec_of(RONDO_CELL_LSTM, RONDO_F32, 9, 20), {sequence, 37, 2}, true, team);
  }
  spec = spec_of(RONDO_CELL_GRU, RONDO_F32, 9, 300);
  check<float>(spec, {RONDO_SEQUENCE_FULL, 100, 2}, false, team);
  check<float>(spec, {RONDO_SEQUENCE_LENGTHS, 100, 2, {91, 100}}, false, team);
  spec = spec_of(RONDO_CELL_LSTM, RONDO_BF16, 4, 200);
  spec.num_layers = 1;
  check<float>(spec, {RONDO_SEQUENCE_LENGTHS, 40, 20}, true, team);
}

// The upper layer's input comes piece by piece: as the lower one left it, after dropout, as bf16; beside the lower
// one's own, which lies as the caller's or was loaded. One pair of layers or two, and one that is left.
TEST_CASE("every split gives the same bytes: two layers at a time", "[splits]") {
  Team team(3);
  Spec plain = spec_of(RONDO_CELL_LSTM, RONDO_F32, 9, 20);
  Spec loaded = spec_of(RONDO_CELL_GRU, RONDO_F32, 33, 16);
  loaded.layout = RONDO_BATCH_MAJOR;
  loaded.dropout = 0.25;
  Spec pairs = spec_of(RONDO_CELL_RNN_TANH, RONDO_BF16, 30, 25);
  pairs.dropout = 0.5;
  Spec odd_pairs = spec_of(RONDO_CELL_RNN_RELU, RONDO_BF16, 7, 25);
  for (Spec *spec : {&plain, &loaded, &pairs, &odd_pairs}) {
    spec->bidirectional = 0;
    for (spec->num_layers = 2; spec->num_layers <= 5; ++spec->num_layers) {
      for (const auto sequence : {RONDO_SEQUENCE_FULL, RONDO_SEQUENCE_LENGTHS, RONDO_SEQUENCE_PACKED}) {
        check<float>(*spec, {sequence, 37, 3}, spec->dropout != 0.25, team);
      }
    }
  }
  Spec spec = spec_of(RONDO_CELL_GRU, RONDO_F64, 6, 21);
  spec.bidirectional = 0;
  check<double>(spec, {RONDO_SEQUENCE_FULL, 19, 50}, true, team);
}
