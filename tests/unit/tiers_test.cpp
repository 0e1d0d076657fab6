// The tiers' layouts: each that is offered fits and holds its whole problem, and predictions move the way they must.
// How good a prediction is, only hardware can say.
#include "kernels/cuda/tiers.h"

#include <limits>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "kernels/cuda/gpu_facts.h"
#include "kernels/cuda/persistent_limits.h"
#include "support/catch.h"

using namespace rondo::kernels::cuda;
using rondo::kernels::kCells;
using rondo::kernels::kGru;
using rondo::kernels::kLstm;
using rondo::kernels::Storage;

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

std::vector<GpuFacts> gpus() {
  std::vector<GpuFacts> all;
  for (int row = 0; row < kGpuModels; ++row) {
    all.push_back(gpu_model(row).facts);
  }
  all.push_back(facts_of(86, 84, 101376, 1.7));
  all.push_back(facts_of(90, 10, 232448, 0));  // a part of a GPU: no partition is whole
  all.push_back(facts_of(100, 148, 232448, 0));
  return all;
}

std::vector<SequenceProblem> problems() {
  std::vector<SequenceProblem> all;
  for (int64_t cell = 0; cell < kCells; ++cell) {
    for (const bool backward : {false, true}) {
      for (const int64_t H : {1, 8, 15, 16, 17, 31, 64, 96, 128, 160, 200, 256, 333, 512, 640, 768, 1024, 2048}) {
        for (const int64_t N : {1, 7, 8, 9, 33, 128, 1000, 100000}) {
          const int directions = N % 2 == 0 ? 2 : 1;
          all.push_back({cell, H % 2 == 0 ? Storage::f16 : Storage::bf16, backward, H, N, directions, false});
          if (N != 7 && N != 33) {
            all.push_back({cell, Storage::f32, backward, H, N, directions, H % 32 != 0});
          }
          if (cell == kLstm && H > 1 && N != 7) {
            const int64_t P = N == 8 ? H - 1 : N == 33 ? 1 : (H + 3) / 4;
            all.push_back({cell, H % 16 == 0 ? Storage::f16 : Storage::bf16, backward, H, N, directions, false, P});
          }
        }
      }
    }
  }
  return all;
}

uint32_t bytes_of(const SequenceProblem &problem) { return problem.storage == Storage::f32 ? 4 : 2; }
uint32_t gates_of(int64_t cell) { return static_cast<uint32_t>(rondo::kernels::kernels<float>().cells[cell].gates); }

// Of the tier, kNever where it does not serve.
double step_ns(int tier, const SequenceProblem &problem, const GpuFacts &gpu) {
  const auto layout = tier_row(tier).layout(problem, gpu);
  return layout ? layout->step_ns : kNever;
}

void check_places(const SequenceProblem &problem, const SequenceLayout &layout) {
  const SequenceShared shared =
      sequence_shared(problem, layout.tier, layout.units, layout.rows, layout.k_parts, layout.held);
  const uint32_t gates = gates_of(problem.cell);
  const auto H = static_cast<uint32_t>(problem.H);
  const auto P = static_cast<uint32_t>(problem.P);
  const bool projects = P != 0;
  const uint32_t outputs = sequence_outputs(problem, layout.units);
  const uint32_t K = problem.backward ? gates * H : projects ? P : H;
  const uint32_t tiles = problem.backward ? outputs / 16 : layout.units / 16 * gates;
  const uint32_t sums = (problem.backward ? 1 : gates) * 4 * (layout.rows / 8);
  CHECK(shared.bytes == layout.shared_bytes);
  const uint32_t bytes = bytes_of(problem);
  const uint32_t chunk = 16 / bytes;
  const auto check_row = [&](uint32_t row, uint32_t columns) {
    CHECK(row >= columns + chunk);
    CHECK(row < columns + chunk + 16);
    CHECK(row % chunk == 0);
    CHECK(row / chunk % 2 == 1);  // an odd number of 16 bytes: eight rows begin in eight different groups of banks
  };
  check_row(shared.operand_row, K);
  const uint32_t held = layout.k_parts * layout.held * 16;
  if (held < K) {
    check_row(shared.weight_row, K - held);
  } else {
    CHECK(shared.weight_row == 0);
  }
  // One after the other, and each as long as it must be.
  const uint32_t places[] = {shared.weight,
                             shared.operand[0],
                             shared.operand[1],
                             projects ? shared.projection : shared.partial,
                             projects ? shared.projected : shared.partial,
                             shared.partial,
                             shared.barrier[0],
                             shared.barrier[1],
                             shared.bytes};
  const bool in_place = layout.tier == Tier::grid || projects;
  CHECK((shared.operand[0] == shared.operand[1]) == in_place);
  const uint32_t sizes[] = {tiles * 16 * shared.weight_row * bytes,
                            in_place ? 0 : layout.rows * shared.operand_row * bytes,
                            layout.rows * shared.operand_row * bytes,
                            (problem.backward ? layout.units : outputs) * shared.projected_row * bytes,
                            layout.rows * shared.projected_row * bytes,
                            (layout.k_parts - 1) * (layout.units / 16) * 32 * sums * 4,
                            8,
                            8};
  for (int place = 0; place < 8; ++place) {
    CAPTURE(place);
    CHECK(places[place] % 16 == 0);
    CHECK(places[place] + sizes[place] <= places[place + 1]);
  }
  if (projects) {
    check_row(shared.projected_row, problem.backward ? P : H);
    // Every output has a block, of those that have units, and a warp.
    const uint32_t with_units = (H + layout.units - 1) / layout.units;
    CHECK(outputs % 16 == 0);
    CHECK(outputs <= layout.units);
    CHECK(outputs * with_units >= P);
    CHECK(layout.held == 0);
  }
  if (layout.held != 0) {
    const uint32_t rows_of_warp = 16 * tiles / (layout.units / 16);
    CHECK(layout.threads / 32 * rows_of_warp * held_row(rows_of_warp / 16) * 2 <= shared.barrier[0]);
  }
}

// Rows of 16 bytes at a time for whoever reads and writes them, and a flag for each group.
void check_exchange(const SequenceProblem &problem, const SequenceLayout &layout) {
  const SequenceExchange exchange = sequence_exchange(problem);
  const SequenceShared shared =
      sequence_shared(problem, layout.tier, layout.units, layout.rows, layout.k_parts, layout.held);
  const uint32_t padding = 16 / bytes_of(problem);
  const uint32_t of_projection = problem.P != 0 ? shared.projected_row - padding : 0;
  CHECK(exchange.row == shared.operand_row - padding + of_projection);
  CHECK(exchange.numbers ==
        (problem.P != 0 ? 1 : 2) * problem.directions * problem.N * exchange.row * bytes_of(problem));
  CHECK(exchange.flags >= int64_t{problem.directions} * layout.groups * kFlagBytes);
}

void check_layout(const SequenceProblem &problem, const GpuFacts &gpu, const TierRow &row,
                  const SequenceLayout &layout) {
  CHECK(layout.tier == row.tier);
  CHECK((layout.blocks == 1) == (row.tier == Tier::single));
  if (row.tier == Tier::grid) {
    CHECK(int64_t{layout.blocks} * layout.groups * problem.directions <= gpu.multiprocessors);
    check_exchange(problem, layout);
  } else {
    CHECK((layout.blocks & (layout.blocks - 1)) == 0);
    CHECK(layout.blocks <= static_cast<uint32_t>(gpu.largest_cluster));
  }
  CHECK(layout.units % 16 == 0);
  CHECK(int64_t{layout.blocks} * layout.units >= problem.H);
  CHECK(layout.rows % 8 == 0);
  CHECK(layout.rows >= 8);
  CHECK(layout.rows <= 32);
  CHECK(int64_t{layout.groups} * layout.rows >= problem.N);
  CHECK(int64_t{layout.groups - 1} * layout.rows < problem.N);
  CHECK(has_sequence_parts(layout.k_parts, layout.held));
  CHECK(layout.threads == 32 * layout.units / 16 * layout.k_parts);
  CHECK(layout.threads <= sequence_threads(product_kind(problem.storage, problem.tf32),
                                           static_cast<int>(gates_of(problem.cell)), problem.backward, layout.rows / 8,
                                           layout.k_parts, layout.held, problem.P != 0));
  CHECK(layout.shared_bytes <= gpu.shared_bytes);
  CHECK(layout.step_ns > 0);
  CHECK(layout.step_ns < kNever);
  check_places(problem, layout);
}

}  // namespace

TEST_CASE("every layout of a tier fits and holds the problem", "[tiers]") {
  int layouts = 0;
  for (const GpuFacts &gpu : gpus()) {
    for (const SequenceProblem &problem : problems()) {
      for (int tier = 0; tier < kTierRows; ++tier) {
        if (const auto layout = tier_row(tier).layout(problem, gpu)) {
          CAPTURE(gpu.capability, gpu.multiprocessors, tier_row(tier).name, problem.cell, problem.backward, problem.H,
                  problem.N);
          check_layout(problem, gpu, tier_row(tier), *layout);
          ++layouts;
        }
      }
    }
  }
  CHECK(layouts > 2000);
}

TEST_CASE("the places of one layout, by hand", "[tiers]") {
  const SequenceShared shared =
      sequence_shared({kGru, Storage::f16, false, 20, 5, 1, false}, Tier::single, 32, 8, 2, 0);
  CHECK(shared.weight_row == 40);
  CHECK(shared.weight == 0);
  CHECK(shared.operand[0] == 3 * 32 * 40 * 2);
  CHECK(shared.operand[1] == 7680 + 8 * 40 * 2);
  CHECK(shared.partial == 8320 + 640);
  CHECK(shared.barrier[0] == 8960 + 1 * 2 * 32 * 12 * 4);
  CHECK(shared.barrier[1] == 12032 + 16);
  CHECK(shared.bytes == 12048 + 16);
  // Backward: rows of W_hh^T, as many as units; K is all gates of all units.
  CHECK(sequence_shared({kGru, Storage::f16, true, 20, 5, 1, false}, Tier::single, 32, 8, 1, 0).weight_row == 72);
  CHECK(sequence_shared({kGru, Storage::f16, true, 20, 5, 1, false}, Tier::single, 32, 8, 1, 0).operand[0] ==
        32 * 72 * 2);
  // 17 steps of K, of which two parts hold 8 each; all that is held comes by way of 48 * 72 elements a warp.
  const SequenceShared held = sequence_shared({kGru, Storage::f16, false, 272, 5, 1, false}, Tier::single, 16, 8, 2, 8);
  CHECK(held.weight_row == 24);
  CHECK(held.operand_row == 280);
  CHECK(held.operand[0] == 48 * 24 * 2);
  CHECK(held.barrier[0] == 2 * 48 * 72 * 2);
  // All is held.
  CHECK(sequence_shared({kGru, Storage::f16, false, 240, 5, 1, false}, Tier::single, 16, 8, 2, 8).weight_row == 0);
  CHECK(sequence_shared({kGru, Storage::f16, false, 240, 5, 1, false}, Tier::single, 16, 8, 2, 8).operand[0] == 0);
  // Over a grid the operand has one place.
  const SequenceShared grid = sequence_shared({kGru, Storage::f16, false, 20, 5, 1, false}, Tier::grid, 32, 8, 2, 0);
  CHECK(grid.operand[1] == grid.operand[0]);
  CHECK(grid.bytes == shared.bytes - 640);
  // Of f32 all rows are twice as long, and the sums as many.
  const SequenceShared wide = sequence_shared({kGru, Storage::f32, false, 20, 5, 1, false}, Tier::single, 32, 8, 2, 0);
  CHECK(wide.weight_row == 36);
  CHECK(wide.operand[0] == 3 * 32 * 36 * 4);
  CHECK(wide.operand[1] == 13824 + 8 * 36 * 4);
  CHECK(wide.barrier[0] == 14976 + 1152 + 1 * 2 * 32 * 12 * 4);
  // With a projection W_hh's rows are shorter, and W_hr and what it multiplies come behind: of 20 outputs in two blocks
  // of 32 units a block has 16.
  const SequenceProblem projected{kLstm, Storage::f16, false, 50, 5, 1, false, 20};
  CHECK(sequence_outputs(projected, 32) == 16);
  CHECK(sequence_outputs(projected, 64) == 32);
  const SequenceShared narrow = sequence_shared(projected, Tier::cluster, 32, 8, 2, 0);
  CHECK(narrow.weight_row == 40);
  CHECK(narrow.operand[0] == 4 * 32 * 40 * 2);
  CHECK(narrow.operand[1] == narrow.operand[0]);
  CHECK(narrow.projection == 10240 + 8 * 40 * 2);
  CHECK(narrow.projected_row == 72);
  CHECK(narrow.projected == 10880 + 16 * 72 * 2);
  CHECK(narrow.partial == 13184 + 8 * 72 * 2);
  CHECK(narrow.barrier[0] == 14336 + 1 * 2 * 32 * 16 * 4);
  // Backward: 16 rows of W_hh^T over 200 gates, 32 of W_hr^T over 20 outputs.
  const SequenceProblem back{kLstm, Storage::f16, true, 50, 5, 1, false, 20};
  const SequenceShared transposed = sequence_shared(back, Tier::cluster, 32, 8, 2, 0);
  CHECK(transposed.operand[0] == 16 * 216 * 2);
  CHECK(transposed.projection == 6912 + 8 * 216 * 2);
  CHECK(transposed.projected == 10368 + 32 * 40 * 2);
  CHECK(transposed.partial == 12928 + 8 * 40 * 2);
}

TEST_CASE("what fits where", "[tiers]") {
  const GpuFacts &hopper = gpu_model(0).facts;
  const auto fits = [&](int tier, int64_t cell, int64_t H, const GpuFacts &gpu, Storage storage = Storage::bf16) {
    return tier_row(tier).layout({cell, storage, false, H, 16, 1, false}, gpu).has_value();
  };
  CHECK(fits(0, kLstm, 160, hopper));
  CHECK_FALSE(fits(0, kLstm, 176, hopper));
  CHECK(fits(1, kLstm, 512, hopper));
  CHECK(fits(1, kLstm, 768, hopper));  // by what registers hold
  CHECK_FALSE(fits(1, kLstm, 784, hopper));
  CHECK(fits(1, kGru, 640, hopper));
  CHECK_FALSE(fits(1, kGru, 1024, hopper));
  CHECK(fits(0, kLstm, 128, gpu_model(2).facts));
  CHECK_FALSE(fits(1, kLstm, 128, gpu_model(2).facts));
  CHECK(fits(2, kLstm, 1024, hopper));
  CHECK(fits(2, kLstm, 512, gpu_model(2).facts));
  CHECK_FALSE(fits(2, kLstm, 4096, hopper));
  CHECK(fits(0, kLstm, 112, hopper, Storage::f32));
  CHECK_FALSE(fits(0, kLstm, 128, hopper, Storage::f32));
  CHECK(fits(1, kLstm, 384, hopper, Storage::f32));
  CHECK_FALSE(fits(1, kLstm, 512, hopper, Storage::f32));
  CHECK(fits(2, kLstm, 512, hopper, Storage::f32));
  CHECK_FALSE(fits(2, kLstm, 1024, hopper, Storage::f32));
}

TEST_CASE("a tier serves no other type, device or problem", "[tiers]") {
  const GpuFacts &hopper = gpu_model(0).facts;
  const SequenceProblem good{kLstm, Storage::f16, false, 64, 16, 1, false};
  for (int tier = 0; tier < kTierRows; ++tier) {
    CAPTURE(tier_row(tier).name);
    const auto serves = [&](auto change, const GpuFacts &gpu) {
      SequenceProblem problem = good;
      change(problem);
      return tier_row(tier).layout(problem, gpu).has_value();
    };
    const auto as_it_is = [](SequenceProblem &) {};
    CHECK(serves(as_it_is, hopper));
    CHECK(serves([](SequenceProblem &p) { p.storage = Storage::f32; }, hopper));
    CHECK(serves([](SequenceProblem &p) { p.storage = Storage::f32, p.tf32 = true; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.storage = Storage::f64; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.tf32 = true; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.H = 0; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.N = 0; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.directions = 3; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.cell = kCells; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.H = int64_t{1} << 40; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.N = int64_t{1} << 40; }, hopper));
    CHECK(serves([](SequenceProblem &p) { p.P = 63; }, hopper));
    CHECK(serves([](SequenceProblem &p) { p.P = 1, p.backward = true; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.P = 64; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.P = -1; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.P = 32, p.cell = kGru; }, hopper));
    CHECK_FALSE(serves([](SequenceProblem &p) { p.P = 32, p.storage = Storage::f32; }, hopper));
    GpuFacts old = hopper;
    old.capability = tier_row(tier).min_capability - 1;
    CHECK_FALSE(serves(as_it_is, old));
    old.capability = tier_row(tier).min_capability;
    CHECK(serves(as_it_is, old));
  }
  GpuFacts no_clusters = hopper;
  no_clusters.largest_cluster = 1;
  CHECK_FALSE(tier_row(1).layout(good, no_clusters));
  CHECK(tier_row(0).layout(good, no_clusters));
}

// A plan is made for its largest batch, and its calls may have fewer rows.
TEST_CASE("more work never takes less time, nor fits where less does not", "[tiers]") {
  const int64_t sizes[] = {64, 96, 128, 192, 256, 320, 384, 448, 512, 576, 640, 704};
  const int64_t batches[] = {1, 4, 8, 16, 24, 32, 64, 100, 128, 256, 2000, 50000};
  for (const GpuFacts &gpu : gpus()) {
    for (int tier = 0; tier < kTierRows; ++tier) {
      for (int64_t cell = 0; cell < kCells; ++cell) {
        for (int variant = 0; variant < 6; ++variant) {
          const Storage storage = variant / 2 == 0 ? Storage::f16 : Storage::f32;
          const bool tf32 = variant / 2 == 2;
          const bool backward = variant % 2 != 0;
          CAPTURE(gpu.capability, tier_row(tier).name, cell, variant);
          for (size_t h = 1; h < std::size(sizes); ++h) {
            for (size_t n = 1; n < std::size(batches); ++n) {
              CAPTURE(sizes[h], batches[n]);
              SequenceProblem problem{cell, storage, backward, sizes[h], batches[n], 1, tf32};
              const double all = step_ns(tier, problem, gpu);
              problem.N = batches[n - 1];
              CHECK(step_ns(tier, problem, gpu) <= all);
              problem.N = batches[n];
              problem.H = sizes[h - 1];
              CHECK(step_ns(tier, problem, gpu) <= all);
              problem.H = sizes[h];
              problem.directions = 2;
              CHECK(step_ns(tier, problem, gpu) >= all);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a better GPU is never slower", "[tiers]") {
  const GpuFacts &gpu = gpu_model(0).facts;
  for (const SequenceProblem &problem : problems()) {
    for (int tier = 0; tier < kTierRows; ++tier) {
      const auto better = [&](auto change) {
        GpuFacts other = gpu;
        change(other);
        return step_ns(tier, problem, other) <= step_ns(tier, problem, gpu);
      };
      CAPTURE(tier_row(tier).name, problem.cell, problem.backward, problem.H, problem.N);
      CHECK(better([](GpuFacts &g) { g.multiprocessors *= 2; }));
      CHECK(better([](GpuFacts &g) { g.shared_bytes *= 2; }));
      CHECK(better([](GpuFacts &g) { g.clock_ghz *= 1.5; }));
      CHECK(better([](GpuFacts &g) { g.exchange_ns /= 2; }));
      CHECK(better([](GpuFacts &g) { g.adds_per_clock *= 2; }));
      CHECK(better([](GpuFacts &g) { g.tf32_per_clock *= 2; }));
      CHECK(better([](GpuFacts &g) { g.all_blocks_ns /= 2; }));
      CHECK(better([](GpuFacts &g) { g.l2_per_clock *= 2; }));
    }
  }
}

TEST_CASE("a device is likened to the nearest known GPU, with its own counts", "[tiers]") {
  for (int row = 0; row < kGpuModels; ++row) {
    const GpuFacts &known = gpu_model(row).facts;
    const GpuFacts facts = facts_of(known.capability, known.multiprocessors, known.shared_bytes, 0);
    CHECK(facts.largest_cluster == known.largest_cluster);
    CHECK(facts.clock_ghz == known.clock_ghz);
    CHECK(facts.tensor_per_clock == known.tensor_per_clock);
  }
  const GpuFacts ada = facts_of(89, 128, 101376, 2.52);
  CHECK(ada.largest_cluster == 1);
  CHECK(ada.capability == 89);
  CHECK(ada.multiprocessors == 128);
  CHECK(ada.shared_bytes == 101376);
  CHECK(ada.clock_ghz == 2.52);
  CHECK(ada.adds_per_clock == 128);
  CHECK(gpu_model(2).facts.adds_per_clock == 64);
  CHECK(facts_of(75, 40, 65536, 1.59).largest_cluster == 1);
  CHECK(facts_of(103, 148, 232448, 0).largest_cluster == 16);
  CHECK(facts_of(121, 48, 101376, 0).largest_cluster == 8);
}
