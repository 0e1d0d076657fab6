// A launch as parties: the blocks that run together, one party after another.
#include "runner.h"

#include <numeric>
#include <vector>

#include "party.h"

namespace rondo_emulator {
namespace {

// The numbers of a cluster's blocks in the grid, by rank; x first in both.
void append_cluster(const Launch &launch, uint64_t cluster, std::vector<uint64_t> *blocks) {
  uint64_t corner[3];
  uint64_t rest = cluster;
  for (int k = 0; k < 3; ++k) {
    const uint64_t along = launch.grid[k] / launch.cluster[k];
    corner[k] = rest % along * launch.cluster[k];
    rest /= along;
  }
  for (uint32_t z = 0; z < launch.cluster[2]; ++z) {
    for (uint32_t y = 0; y < launch.cluster[1]; ++y) {
      for (uint32_t x = 0; x < launch.cluster[0]; ++x) {
        blocks->push_back(((corner[2] + z) * launch.grid[1] + corner[1] + y) * launch.grid[0] + corner[0] + x);
      }
    }
  }
}

}  // namespace

void run_kernel(const Launch &launch, const std::function<void()> &thread) {
  Party &all = party();
  const uint32_t of_cluster = launch.cluster[0] * launch.cluster[1] * launch.cluster[2];
  const uint64_t count = uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2] / of_cluster;
  std::vector<uint64_t> clusters(count);
  std::iota(clusters.begin(), clusters.end(), uint64_t{0});
  all.order.shuffle(clusters);
  all.start_launch();
  std::vector<uint64_t> blocks;
  for (const uint64_t cluster : clusters) {
    append_cluster(launch, cluster, &blocks);
    if (!launch.cooperative) {
      all.run(launch, blocks, of_cluster, thread);
      blocks.clear();
      if (all.ended()) {
        return;
      }
    }
  }
  if (launch.cooperative) {
    all.run(launch, blocks, of_cluster, thread);
  }
}

void seed_order(uint64_t seed) { party().order.seed(seed); }

}  // namespace rondo_emulator
