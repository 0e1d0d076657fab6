// Tags: what tells a plan's reserve and packing from others. The CPU keeps them in the memory itself, GPU back ends on
// the host, by address; the refusals are the same.
#pragma once

#include "core/batch.h"

namespace rondo {

// What forward wrote a reserve for. Plain words: on the CPU it is read from memory that may hold anything.
struct ReserveTag {
  uint64_t plan_id;
  int64_t T, N;
  uint64_t lengths, order;  // hashes
  uint64_t consumed;        // 1: a backward used the reserve up
};

// Unique among the plans of one library or module; never 0.
uint64_t next_plan_id();

ReserveTag make_reserve_tag(uint64_t plan_id, const Batch &batch);
// Whether backward of the plan, with this batch, may read the reserve.
Status check_reserve_tag(const ReserveTag &tag, uint64_t plan_id, const Batch &batch);
// The refusal of packed parameters that are not of the plan's format.
Status foreign_packing();

}  // namespace rondo
