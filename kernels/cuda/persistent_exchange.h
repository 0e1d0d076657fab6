// How the operand of a product comes to every block that holds a part of W_hh: a warp puts its own numbers into its
// block's copy and hands them on from there, 16 bytes at a time. A warp without units has none, but it arrives.
//
// In a cluster they are sent to the other blocks' copies, and one barrier of each block tells when all have come. Two
// copies take turns, and no more are needed: a block sends step s + 2 only after it has all of step s + 1, which every
// warp sent after it had read step s.
//
// Over the grid they go through global memory: once all of a block's are there, it counts up its group's flag, and each
// block, when the flag says so, fetches all others' from the L2 cache, never through the first cache, which may hold
// what was there before. Again two copies suffice: a block writes step s + 2 after it has seen all counts of step
// s + 1, and each was given after its block had fetched all of step s. Shared memory has one copy only: all of a
// block's threads meet between a product and the next numbers, and again before others' are fetched.
//
// With a projection a step has two products, and their operands take turns: exchanges of even number are of one, those
// of odd number of the other, on the same barriers and flag. Then one copy of each suffices everywhere: a block has all
// of exchange n + 1 only after every warp that multiplies exchange n's operand has done so, and sends n + 2 after that.
// Blocks whose share of the narrower product is empty need nothing of its operand, and nothing is sent to them: whoever
// is sent to has sent in turn, so that no sender comes round to a barrier twice in one phase.
#pragma once

#include "kernels/cuda/persistent_engine.h"
#include "kernels/cuda/persistent_rows.h"
#include "kernels/cuda/sequence.h"
#include "kernels/cuda/steps.h"

namespace rondo::kernels::cuda {

// Where one of two operands that take turns lies, and who has part in it.
struct TurnPlace {
  uint32_t begin, row;       // in shared memory, bytes; elements
  uint32_t units, of_block;  // of all blocks and of one
  uint32_t receivers;        // the first blocks, which multiply it
  uint32_t told_rows;        // elements of a row of both operands in global memory
  uint32_t told_before;      // of them those of the operand before this one
};

// kValues: numbers of a unit in a row of the operand, unit by unit. kTurns: one of two operands.
template <class S, int kValues, bool kTurns = false>
class Exchange {
 public:
  // Rows of the slice that do not exist are never handed on.
  RONDO_DEVICE Exchange(const DynamicShared &shared, const SequencePlace &place, const SequenceMemory &memory,
                        uint32_t H, const SliceRows &slice)
      : operand_(shared.array<S>(
            place.shared.operand[0],
            (place.shared.operand[1] - place.shared.operand[0]) / sizeof(S) + place.rows * place.shared.operand_row)),
        shared_(shared),
        even_(place.shared.barrier[0]),
        odd_(place.shared.barrier[1]),
        other_((place.shared.operand[1] - place.shared.operand[0]) / sizeof(S)),
        row_(place.shared.operand_row),
        depth_(H * kValues),
        live_(slice.rows),
        tier_(place.tier),
        rank_(tier_ == Tier::cluster ? cluster_rank() : block_x() % place.blocks),
        blocks_((H + place.units - 1) / place.units) {
    static_assert(!kTurns);
    share(place.units * kValues);
    if (tier_ == Tier::grid) {
      meet_in(place, memory, slice, 2 * told_row(), 0);
    }
  }
  // H: the units of all blocks, of which some may have none of the operand.
  RONDO_DEVICE Exchange(const DynamicShared &shared, const SequencePlace &place, const SequenceMemory &memory,
                        uint32_t H, const SliceRows &slice, const TurnPlace &turn)
      : operand_(shared.array<S>(turn.begin, place.rows * turn.row)),
        shared_(shared),
        even_(place.shared.barrier[0]),
        odd_(place.shared.barrier[1]),
        other_(0),
        row_(turn.row),
        depth_(turn.units * kValues),
        live_(slice.rows),
        tier_(place.tier),
        rank_(tier_ == Tier::cluster ? cluster_rank() : block_x() % place.blocks),
        blocks_((H + place.units - 1) / place.units),
        receivers_(turn.receivers) {
    static_assert(kTurns);
    share(turn.of_block * kValues);
    if (rank_ * turn.of_block >= turn.units) {
      after_own_ = 0;
    }
    if (rank_ >= receivers_) {
      others_ = 0;
    }
    if (tier_ == Tier::grid) {
      meet_in(place, memory, slice, turn.told_rows, turn.told_before);
    }
  }

  // Before meet_all.
  RONDO_DEVICE void init() const {
    if (tier_ == Tier::cluster && thread() == 0) {
      barrier(0).init(threads() / 32);
      barrier(1).init(threads() / 32);
      init_fence();
    }
  }
  // All threads of all blocks. Also at the end, since a block's memory must not go while another may still write it.
  RONDO_DEVICE void meet_all() const {
    if (tier_ == Tier::cluster) {
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
  RONDO_DEVICE uint32_t buffer(uint32_t step) const { return !kTurns && step % 2 != 0 ? other_ : 0; }
  // Every step's copy is the same one.
  RONDO_DEVICE bool in_place() const { return kTurns || tier_ == Tier::grid; }
  // By all threads, after a product of kParts parts that has met: no warp is still to read what others write next.
  template <int kParts>
  RONDO_DEVICE void end_product() const {
    if (kParts == 1 && in_place()) {
      block_barrier();
    }
  }

  // The warp's own numbers, once all its lanes have put them into step's copy: to the other blocks, unless this is the
  // last step. keep(row, k, chunk) gets each chunk once.
  template <class Mine, class Keep>
  RONDO_DEVICE void send_own(const Mine &my, uint32_t units, uint32_t step, bool sends, const Keep &keep) const {
    constexpr uint32_t kItems = Mine::kOwn * 4 * kChunks;
    constexpr uint32_t kCopies = kItems > 32 ? 1 : 32 / kItems;  // lanes that share the ways of one item
    constexpr uint32_t kRounds = (kItems + 31) / 32;
    const uint32_t others = sends && tier_ == Tier::cluster ? receivers() - (receives() ? 1 : 0) : 0;
    const bool tells = sends && tier_ == Tier::grid;
    if (kValues != 1 && tells) {
      tell_own(my, units, step);
    }
    RONDO_UNROLL
    for (uint32_t round = 0; round < kRounds; ++round) {
      const uint32_t item = kRounds == 1 ? lane() % kItems : round * 32 + lane();
      const uint32_t copy = kRounds == 1 ? lane() / kItems : 0;
      const auto [row, k] = own_chunk(my, units, item);
      if (item >= kItems || copy >= kCopies || row >= live_ || k >= depth_) {
        continue;
      }
      const uint32_t element = buffer(step) + row * row_ + k;
      const Wide<S, kChunk<S>> chunk = operand_.template read_wide<kChunk<S>>(element);
      // Each block begins with its neighbour.
      for (uint32_t way = copy; way < others; way += kCopies) {
        const uint32_t to = way_from() + 1 + way;
        send(operand_, element, chunk, to < receivers() ? to : to - receivers(), barrier(step));
      }
      if (copy == 0) {
        if (kValues == 1 && tells) {
          tell(chunk, numbers_ + told(step) + row * told_row() + k);
        }
        keep(row, k, chunk);
      }
    }
  }

  // By all lanes of every warp, once their own numbers of this step are there and those of the step before are read.
  RONDO_DEVICE void arrive(uint32_t step) const {
    // A lane's read of what it sent comes before another lane's next number in the operand's one place.
    if (kTurns && tier_ == Tier::cluster) {
      warp_barrier();
    }
    if (tier_ == Tier::cluster && lane() == 0) {
      if (thread() == 0) {
        barrier(step).expect(live_ * others_ * kChunkBytes);
      } else {
        barrier(step).arrive();
      }
    } else if (tier_ == Tier::grid) {
      block_barrier();
      if (thread() == 0) {
        flag_add(flag_, 1);
      }
    }
  }
  // In place of all exchanges of a launch that has none: every block has read what it reads before its first step.
  RONDO_DEVICE void meet_readers() const {
    if (tier_ == Tier::grid) {
      arrive(0);
      wait_for_flag(0);
      block_barrier();
    }
  }
  // Until all of this step is there.
  RONDO_DEVICE void wait(uint32_t step) const {
    if (tier_ == Tier::cluster) {
      barrier(step).wait(step / 2 % 2);
      return;
    }
    if (tier_ == Tier::grid) {
      wait_for_flag(step);
      block_barrier();
      fetch(step);
      wait_copies<0>();
    }
    block_barrier();
  }

 private:
  static constexpr uint32_t kChunkBytes = kChunk<S> * sizeof(S);
  static constexpr uint32_t kChunks = 8 / kChunk<S> * kValues;  // of eight units of a row

  static RONDO_DEVICE uint32_t min_of(uint32_t a, uint32_t b) { return a < b ? a : b; }
  // Those to whom the operand is sent, the first blocks; a way to all others of them begins behind way_from.
  RONDO_DEVICE uint32_t receivers() const { return kTurns ? receivers_ : blocks_; }
  RONDO_DEVICE bool receives() const { return !kTurns || rank_ < receivers_; }
  RONDO_DEVICE uint32_t way_from() const { return receives() ? rank_ : receivers_ - 1; }

  // Of the constructors: a block's numbers in a row, and the group's place in global memory, where rows of both
  // operands, or of both copies, have so many elements.
  RONDO_DEVICE void share(uint32_t values) {
    const uint32_t first = rank_ * values;
    const uint32_t own = chunks_of<S>(first >= depth_ ? 0 : min_of(depth_ - first, values));
    others_ = chunks_of<S>(depth_) - own;
    after_own_ = first / kChunk<S> + own;
  }
  RONDO_DEVICE void meet_in(const SequencePlace &place, const SequenceMemory &memory, const SliceRows &slice,
                            uint32_t elements, uint32_t before) {
    const int64_t rows_before = block_z() * slice.map.N + slice.first_row;
    numbers_ = at<S>(memory.numbers, rows_before * elements + int64_t{live_} * before);
    const uint32_t group = (block_z() * grid_x() + block_x()) / place.blocks;
    flag_ = memory.flags + size_t{group} * (kFlagBytes / sizeof(uint32_t));
  }

  RONDO_DEVICE SharedBarrier barrier(uint32_t step) const { return {shared_, step % 2 != 0 ? odd_ : even_}; }

  // Where a warp's chunks lie: by eight units, then by row of a number, then along the row.
  struct OwnChunk {
    uint32_t row, k;
  };
  template <class Mine>
  RONDO_DEVICE OwnChunk own_chunk(const Mine &my, uint32_t units, uint32_t item) const {
    const uint32_t e = item / (4 * kChunks);
    const uint32_t sum = Mine::sum_of(my.part(), e);
    const uint32_t unit = rank_ * units + my.warp_unit() + sum / 2 * 8;
    return {Mine::tile_of(my.part(), e) * kTileRows + item / kChunks % 4 * 2 + sum % 2,
            unit * kValues + item % kChunks * kChunk<S>};
  }

  // Of several numbers a unit, apart from send_own and not unrolled: some kernels have no register left.
  template <class Mine>
  RONDO_DEVICE void tell_own(const Mine &my, uint32_t units, uint32_t step) const {
    RONDO_ROLLED
    for (uint32_t item = lane(); item < Mine::kOwn * 4 * kChunks; item += 32) {
      const auto [row, k] = own_chunk(my, units, item);
      if (row < live_ && k < depth_) {
        tell(operand_.template read_wide<kChunk<S>>(buffer(step) + row * row_ + k),
             numbers_ + told(step) + row * told_row() + k);
      }
    }
  }
  // One thread of a block looks, as many would keep the others from counting. The flag's count may have gone round.
  RONDO_DEVICE void wait_for_flag(uint32_t step) const {
    if (thread() != 0) {
      return;
    }
    const uint32_t wanted = (step + 1) * blocks_;
    Spin spin;
    while (static_cast<int32_t>(flag_load(flag_) - wanted) < 0) {
      spin.once();
    }
  }
  // Others' numbers, beginning with the next block's, so that not all blocks ask for the same at once.
  RONDO_DEVICE void fetch(uint32_t step) const {
    const uint32_t all = chunks_of<S>(depth_);
    const S *from = numbers_ + told(step);
    uint32_t r = 0;
    for (uint32_t c = thread(); others_ != 0; c += threads()) {
      while (c >= others_) {
        c -= others_;
        ++r;
      }
      if (r >= live_) {
        break;
      }
      const uint32_t chunk = after_own_ + c < all ? after_own_ + c : after_own_ + c - all;
      copy_told(from + r * told_row() + chunk * kChunk<S>, operand_, r * row_ + chunk * kChunk<S>);
    }
    commit_copies();
  }
  // The group's copies in global memory: where step's begins, and how far its rows are apart.
  RONDO_DEVICE uint32_t told(uint32_t step) const { return !kTurns && step % 2 != 0 ? live_ * told_row() : 0; }
  RONDO_DEVICE uint32_t told_row() const { return row_ - kChunk<S>; }

  SharedSpan<S> operand_;  // both copies
  DynamicShared shared_;
  uint32_t even_, odd_;  // barriers
  uint32_t other_, row_, depth_, live_;
  Tier tier_;
  uint32_t rank_, blocks_;
  uint32_t receivers_ = 0;       // of an operand that takes turns
  uint32_t others_, after_own_;  // chunks of a row that are others', and the first of them
  S *numbers_ = nullptr;         // in global memory, the group's
  uint32_t *flag_ = nullptr;
};

}  // namespace rondo::kernels::cuda
