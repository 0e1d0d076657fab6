// A network whose runs are bound by hand, past the cost model: one spec and shape, its inputs, and what a run of it
// wrote by any split. All memory begins as NaN.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "backend/cpu/backward.h"
#include "backend/cpu/forward.h"
#include "support/catch.h"
#include "unit/block.h"

namespace rondo_test {

using rondo::Arena;
using rondo::Batch;
using rondo::Problem;
using rondo::Spec;
using rondo::cpu::BackwardRun;
using rondo::cpu::BackwardSpace;
using rondo::cpu::Dimensions;
using rondo::cpu::Facts;
using rondo::cpu::ForwardRun;
using rondo::cpu::ForwardSpace;
using rondo::cpu::ForwardWeights;
using rondo::cpu::Member;
using rondo::cpu::Reserve;
using rondo::cpu::Split;
using rondo::cpu::Team;

struct Shape {
  rondo_sequence_t sequence;
  std::int64_t T, N;
  std::vector<std::int64_t> lengths = {};  // where the usual ones will not do
};

struct Way {
  Split split;
  int members;
  Split left = Split::alone;
};

// One spec and shape, its inputs, and runs of it.
template <class C>
class Network {
 public:
  Network(const Spec &spec, const Shape &shape, bool training, bool with_state)
      : facts_(make_facts(spec, shape, training)),
        x_(values(batch_positions() * spec.input_size, spec.storage())),
        h0_(values(states() * spec.output(), spec.storage())),
        c0_(values(states() * spec.hidden_size, spec.cell_state_dtype())),
        dy_(values(batch_positions() * facts_.dims.output, spec.storage())),
        dhn_(values(states() * spec.output(), spec.storage())),
        dcn_(values(states() * spec.hidden_size, spec.cell_state_dtype())),
        flat_(rondo::flat_size(spec) * rondo::dtype_size(spec.storage())),
        params_(pointers(flat_, spec.storage())),
        with_state_(with_state) {
    rondo::init_params(spec, 5, params_.data());
  }

  const Facts<C> &facts() const { return facts_; }
  // As many as there is room for; 0 where no member may make the steps alone beside others. Sequences of one piece may
  // here, but not those of one step, which pack their weights panel by panel.
  std::int64_t piece_steps() const {
    const std::int64_t T = std::max(batch_.T, rondo::cpu::most_piece_steps + 1);
    return batch_.T > 1 ? facts_.most_steps_beside(T, batch_.N, batch_.S) : 0;
  }

  // What a run wrote, by name.
  using Results = std::vector<std::pair<std::string, Block>>;

  // variant: 0 or 1 the order of panels, 2 or 3 with packed parameters where they are allowed.
  Results run(Team &team, const Way &forward, const Way &backward, unsigned variant) const {
    const Spec &spec = facts_.spec;
    const bool training = facts_.problem.training;
    Results results;
    const auto add = [&](const char *name, std::int64_t elements, rondo_dtype_t dtype) {
      results.emplace_back(name, Block(elements * rondo::dtype_size(dtype)));
      return results.back().second.data();
    };
    Arena reserve_count(nullptr);
    const Reserve<C> counted(reserve_count, facts_, batch_.S);
    const Block reserve_memory(training ? reserve_count.used().value() : 0);
    Arena reserve_arena(reserve_memory.data());
    Reserve<C> reserve(reserve_arena, facts_, batch_.S);

    rondo::ForwardCall call{};
    call.batch = batch_;
    call.args.x = x_.data();
    call.args.h0 = with_state_ ? h0_.data() : nullptr;
    call.args.c0 = with_state_ && spec.has_cell_state() ? c0_.data() : nullptr;
    call.args.params = params_.data();
    call.args.y = add("y", batch_positions() * facts_.dims.output, spec.storage());
    call.args.hn = add("hn", states() * spec.output(), spec.storage());
    call.args.cn = spec.has_cell_state() ? add("cn", states() * spec.hidden_size, spec.cell_state_dtype()) : nullptr;
    const Block packed = pack(!training && variant >= 2);
    if (training) {
      *reserve.header = {rondo::cpu::reserve_magic, rondo::make_reserve_tag(1, batch_), 3, 9};
    }
    with_space<ForwardSpace<C>>([&](const ForwardSpace<C> &space) {
      const ForwardRun<C> job(facts_, call, space, training ? &reserve : nullptr,
                              packed.size() > 0 ? packed.data() : nullptr, 3, 9,
                              {forward.split, piece_steps(), forward.left}, variant % 2 == 1);
      together(team, forward.members, space.scratch, job);
    });
    if (!training) {
      return results;
    }
    rondo::BackwardCall back{};
    back.batch = batch_;
    back.args.x = x_.data();
    back.args.h0 = call.args.h0;
    back.args.c0 = call.args.c0;
    back.args.params = params_.data();
    back.args.y = call.args.y;
    back.args.dy = dy_.data();
    back.args.dhn = with_state_ ? dhn_.data() : nullptr;
    back.args.dcn = with_state_ && spec.has_cell_state() ? dcn_.data() : nullptr;
    back.args.dx = add("dx", batch_positions() * spec.input_size, spec.storage());
    back.args.dh0 = add("dh0", states() * spec.output(), spec.storage());
    back.args.dc0 = spec.has_cell_state() ? add("dc0", states() * spec.hidden_size, spec.cell_state_dtype()) : nullptr;
    add("dparams", rondo::flat_size(spec), spec.param_grad_dtype());
    // Without a state gradients are added to what is there.
    if (!with_state_) {
      facts_.kernel.store[spec.param_grad_dtype()](
          std::vector<C>(static_cast<std::size_t>(rondo::flat_size(spec)), C(0.5)).data(), results.back().second.data(),
          rondo::flat_size(spec));
      back.args.accumulate = 1;
    }
    const std::vector<void *> gradients = pointers(results.back().second, spec.param_grad_dtype());
    back.args.dparams = gradients.data();
    with_space<BackwardSpace<C>>([&](const BackwardSpace<C> &space) {
      const BackwardRun<C> job(facts_, back, space, reserve, {backward.split, piece_steps()});
      together(team, backward.members, space.scratch, job);
    });
    return results;
  }

  // Whether a run left no element unwritten or NaN, and some of each tensor other than zero.
  bool plausible(const Results &results) const {
    for (const auto &[name, block] : results) {
      const bool cell_state = name == "cn" || name == "dc0";
      const rondo_dtype_t dtype = cell_state          ? facts_.spec.cell_state_dtype()
                                  : name == "dparams" ? facts_.spec.param_grad_dtype()
                                                      : facts_.spec.storage();
      std::vector<C> read(block.size() / static_cast<std::size_t>(rondo::dtype_size(dtype)));
      facts_.kernel.load[dtype](block.data(), read.data(), static_cast<std::int64_t>(read.size()));
      if (!std::all_of(read.begin(), read.end(), [](C value) { return std::isfinite(value); }) ||
          std::all_of(read.begin(), read.end(), [](C value) { return value == 0; })) {
        return false;
      }
    }
    return true;
  }

 private:
  Facts<C> make_facts(const Spec &spec, const Shape &shape, bool training) {
    batch_.sequence = shape.sequence;
    batch_.T = shape.T;
    batch_.N = shape.N;
    for (std::int64_t n = 0; n < shape.N; ++n) {
      // Longest first where packed, which takes no row without steps; else in any order, some empty.
      lengths_.push_back(!shape.lengths.empty()                     ? shape.lengths[static_cast<std::size_t>(n)]
                         : shape.sequence == RONDO_SEQUENCE_FULL    ? shape.T
                         : shape.sequence == RONDO_SEQUENCE_LENGTHS ? (n * 5 + 4) % (shape.T + 1)
                                                                    : shape.T - n * shape.T / shape.N);
      batch_.S += lengths_.back();
      order_.push_back(shape.N - 1 - n);
    }
    for (std::int64_t t = 0; t < shape.T; ++t) {
      sizes_.push_back(
          std::count_if(lengths_.begin(), lengths_.end(), [&](std::int64_t length) { return length > t; }));
    }
    batch_.lengths = shape.sequence == RONDO_SEQUENCE_LENGTHS ? lengths_.data() : nullptr;
    batch_.batch_sizes = shape.sequence == RONDO_SEQUENCE_PACKED ? sizes_.data() : nullptr;
    batch_.sorted_indices = shape.sequence == RONDO_SEQUENCE_PACKED ? order_.data() : nullptr;
    const auto &kernel = rondo::kernels::kernels<C>();
    const bool dot = spec.storage() == RONDO_BF16 && spec.proj_size == 0;
    const Problem problem{training, shape.sequence, shape.T, shape.N, batch_.S, false};
    return {spec,
            problem,
            Dimensions(spec, kernel.lanes, kernel.panel_vectors, dot ? rondo::kernels::bf16_kernels() : nullptr),
            kernel,
            1,
            1};
  }

  std::int64_t batch_positions() const {
    return batch_.sequence == RONDO_SEQUENCE_PACKED ? batch_.S : batch_.T * batch_.N;
  }
  std::int64_t states() const { return facts_.dims.L * facts_.dims.D * batch_.N; }

  // Of both signs, below 1, of all the bits that C has, and different in every tensor.
  Block values(std::int64_t n, rondo_dtype_t dtype) {
    std::vector<C> made(static_cast<std::size_t>(n));
    for (C &value : made) {
      random_ = random_ * 1664525u + 1013904223u;
      value = (static_cast<C>(random_ >> 8) / static_cast<C>(1 << 23) - C{1}) * static_cast<C>(0.98765432109876543);
    }
    Block block(n * rondo::dtype_size(dtype));
    facts_.kernel.store[dtype](made.data(), block.data(), n);
    return block;
  }

  std::vector<void *> pointers(const Block &flat, rondo_dtype_t dtype) const {
    std::vector<void *> places;
    for (std::int64_t k = 0; k < rondo::param_count(facts_.spec); ++k) {
      places.push_back(flat.data() + rondo::param_at(facts_.spec, k).offset * rondo::dtype_size(dtype));
    }
    return places;
  }

  Block pack(bool wanted) const {
    const auto each = [&](Arena arena, auto &&what) {
      for (std::int64_t layer = 0; layer < facts_.dims.L; ++layer) {
        for (std::int64_t direction = 0; direction < facts_.dims.D; ++direction) {
          what(ForwardWeights<C>(arena, facts_.dims, facts_.dims.input(layer)), layer, direction);
        }
      }
      return arena.used().value();
    };
    Block packed(wanted ? each(Arena(nullptr), [](const auto &...) {}) : 0);
    if (wanted) {
      const Member alone{0, 1, nullptr, nullptr};
      each(Arena(packed.data()), [&](const ForwardWeights<C> &weights, std::int64_t layer, std::int64_t direction) {
        weights.pack(alone, {&alone, &alone}, facts_.spec, facts_.dims, params_.data(), layer, direction);
      });
    }
    return packed;
  }

  template <class Space, class What>
  void with_space(What &&what) const {
    Arena count(nullptr);
    const Space counted(count, facts_, batch_.T, batch_.N, batch_.S);
    const Block memory(count.used().value());
    Arena arena(memory.data());
    Space space(arena, facts_, batch_.T, batch_.N, batch_.S);
    REQUIRE(space.map.build(batch_, facts_.spec.layout).ok());
    what(space);
  }

  template <class Job>
  static void together(Team &team, int members, void *scratch, const Job &job) {
    std::atomic<int> met{0};
    team.run(members, scratch, [&](const Member &member) {
      met.fetch_add(member.count);
      job(member);
    });
    REQUIRE(met.load() == members * members);
  }

  Batch batch_{};
  std::vector<std::int64_t> lengths_, sizes_, order_;
  std::uint32_t random_ = 12345;
  Facts<C> facts_;
  Block x_, h0_, c0_, dy_, dhn_, dcn_, flat_;
  std::vector<void *> params_;
  bool with_state_;
};

// The names of results that differ.
template <class Results>
std::string differences(const Results &expected, const Results &got) {
  std::string names;
  for (std::size_t k = 0; k < std::min(expected.size(), got.size()); ++k) {
    names += expected[k].second == got[k].second ? "" : expected[k].first + " ";
  }
  return names;
}

template <class C>
void check(const Spec &spec, const Shape &shape, bool with_state, Team &team) {
  const Network<C> network(spec, shape, true, with_state);
  const Network<C> inference(spec, shape, false, with_state);
  const Way alone{Split::alone, 1};
  const auto expected = network.run(team, alone, alone, 0);
  const auto inferred = inference.run(team, alone, alone, 0);
  CAPTURE(rondo::cell_name(spec.cell), rondo::dtype_name(spec.storage()), spec.hidden_size, spec.proj_size);
  CAPTURE(shape.sequence, shape.T, shape.N);
  CHECK(network.plausible(expected));
  if (spec.dropout == 0) {
    CHECK(differences(inferred, expected).empty());
  }
  std::vector<Way> ways = {alone};
  for (const Split split : {Split::columns, Split::rows, Split::beside}) {
    for (int members = 1; members <= 3; ++members) {
      if (split != Split::beside || network.piece_steps() > 0) {
        ways.push_back({split, members});
      }
    }
  }
  unsigned variant = 1;
  const auto compare = [&](const Way &forward, const Way &backward) {
    CAPTURE(name_of(forward.split), name_of(backward.split), forward.members, backward.members, variant);
    CHECK(differences(expected, network.run(team, forward, backward, variant)).empty());
    CHECK(differences(inferred, inference.run(team, forward, backward, variant)).empty());
    variant = (variant + 1) % 4;
  };
  for (const Way &way : ways) {
    compare(way, way);
  }
  if (network.facts().dims.layers_apart(sizeof(C)) && network.piece_steps() > 0) {
    compare({Split::layers, 1}, alone);
    for (const Split left : {Split::alone, Split::columns, Split::rows, Split::beside}) {
      compare({Split::layers, 2, left}, {left, left == Split::alone ? 1 : 2});
    }
  }
  if (network.facts().dims.directions_apart(sizeof(C))) {
    compare({Split::directions, 1}, alone);
    compare({Split::directions, 2}, {Split::columns, 2});
  }
}

}  // namespace rondo_test
