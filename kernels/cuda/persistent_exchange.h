// How the operand of a product comes to every block that holds a part of W_hh: a warp puts its own numbers into its
// block's copy, sends them from there, 16 bytes at a time, and one barrier of each block tells when all have come.
// Two copies take turns, and no more are needed: a block sends step s + 2 only after it has all of step s + 1, which
// every warp sent after it had read step s. A warp without units sends nothing, but it arrives at its block's barrier.
#pragma once

#include "kernels/cuda/persistent_engine.h"

namespace rondo::kernels::cuda {

// kValues: numbers of a unit in a row of the operand, unit by unit.
template <class S, int kValues>
class Exchange {
 public:
  // live: rows of the slice that exist; the others are never sent.
  RONDO_DEVICE Exchange(const DynamicShared &shared, const SequencePlace &place, uint32_t H, uint32_t live)
      : operand_(shared.array<S>(place.shared.operand[0], (place.shared.operand[1] - place.shared.operand[0]) / 2 +
                                                              place.rows * place.shared.operand_row)),
        shared_(shared),
        even_(place.shared.barrier[0]),
        odd_(place.shared.barrier[1]),
        other_((place.shared.operand[1] - place.shared.operand[0]) / 2),
        row_(place.shared.operand_row),
        depth_(H * kValues),
        live_(live),
        in_cluster_(place.in_cluster),
        rank_(place.in_cluster ? cluster_rank() : 0),
        blocks_((H + place.units - 1) / place.units) {
    const uint32_t values = place.units * kValues;
    const uint32_t first = rank_ * values;
    const uint32_t own = chunks_of(first >= depth_ ? 0 : min_of(depth_ - first, values));
    bytes_ = live * (chunks_of(depth_) - own) * (kChunk * 2);
  }

  // Before meet_all.
  RONDO_DEVICE void init() const {
    if (in_cluster_ && thread() == 0) {
      barrier(0).init(threads() / 32);
      barrier(1).init(threads() / 32);
      init_fence();
    }
  }
  // All threads of all blocks. Also at the end, since a block's memory must not go while another may still write it.
  RONDO_DEVICE void meet_all() const {
    if (in_cluster_) {
      cluster_barrier();
    } else {
      block_barrier();
    }
  }

  // Blocks that have no units hold no part of W_hh, and nothing is sent to them.
  RONDO_DEVICE bool takes_part() const { return rank_ < blocks_; }
  RONDO_DEVICE uint32_t rank() const { return rank_; }
  RONDO_DEVICE uint32_t row() const { return row_; }
  RONDO_DEVICE uint32_t depth() const { return depth_; }
  RONDO_DEVICE const SharedSpan<S> &operand() const { return operand_; }
  // Where step s's copy begins.
  RONDO_DEVICE uint32_t buffer(uint32_t step) const { return step % 2 != 0 ? other_ : 0; }

  // The warp's own numbers, once all its lanes have put them into step's copy: to the other blocks, unless this is the
  // last step. keep(row, k, chunk) gets each chunk once.
  template <class Mine, class Keep>
  RONDO_DEVICE void send_own(const Mine &my, uint32_t units, uint32_t step, bool sends, const Keep &keep) const {
    constexpr uint32_t kItems = Mine::kOwn * 4 * kValues;
    constexpr uint32_t kCopies = kItems > 32 ? 1 : 32 / kItems;  // lanes that share the ways of one item
    constexpr uint32_t kRounds = (kItems + 31) / 32;
    const uint32_t others = sends && in_cluster_ ? blocks_ - 1 : 0;
    RONDO_UNROLL
    for (uint32_t round = 0; round < kRounds; ++round) {
      const uint32_t item = kRounds == 1 ? lane() % kItems : round * 32 + lane();
      const uint32_t copy = kRounds == 1 ? lane() / kItems : 0;
      // Items: by chunk of eight units, then by row of a number, then by number.
      const uint32_t e = item / (4 * kValues);
      const uint32_t sum = Mine::sum_of(my.part(), e);
      const uint32_t row = Mine::tile_of(my.part(), e) * kTileRows + item / kValues % 4 * 2 + sum % 2;
      const uint32_t unit = rank_ * units + my.warp_unit() + sum / 2 * 8;
      const uint32_t k = unit * kValues + item % kValues * kChunk;
      if (item >= kItems || copy >= kCopies || row >= live_ || k >= depth_) {
        continue;
      }
      const uint32_t element = buffer(step) + row * row_ + k;
      const Wide<S, kChunk> chunk = operand_.template read_wide<kChunk>(element);
      // Each block begins with its neighbour.
      for (uint32_t way = copy; way < others; way += kCopies) {
        const uint32_t to = rank_ + 1 + way;
        send(operand_, element, chunk, to < blocks_ ? to : to - blocks_, barrier(step));
      }
      if (copy == 0) {
        keep(row, k, chunk);
      }
    }
  }

  // By all lanes of every warp, once their own numbers of this step are there and those of the step before are read.
  RONDO_DEVICE void arrive(uint32_t step) const {
    if (in_cluster_ && lane() == 0) {
      if (thread() == 0) {
        barrier(step).expect(bytes_);
      } else {
        barrier(step).arrive();
      }
    }
  }
  // Until all of this step is there.
  RONDO_DEVICE void wait(uint32_t step) const {
    if (in_cluster_) {
      barrier(step).wait(step / 2 % 2);
    } else {
      block_barrier();
    }
  }

 private:
  static RONDO_DEVICE uint32_t min_of(uint32_t a, uint32_t b) { return a < b ? a : b; }
  RONDO_DEVICE SharedBarrier barrier(uint32_t step) const { return {shared_, step % 2 != 0 ? odd_ : even_}; }

  SharedSpan<S> operand_;  // both copies
  DynamicShared shared_;
  uint32_t even_, odd_;  // barriers
  uint32_t other_, row_, depth_, live_;
  bool in_cluster_;
  uint32_t rank_, blocks_, bytes_;
};

}  // namespace rondo::kernels::cuda
