// What blocks of device memory hold, remembered on the host by address: a header in device memory could not be read
// without waiting. A block at an address never seen, as a copy, is not doubted.
#pragma once

#include <optional>

#include "core/tags.h"

namespace rondo::cuda {

// A new block forgets those that it lies over.
void remember_reserve(const void *reserve, int64_t bytes, const ReserveTag &tag);
void remember_packing(const void *packed, int64_t bytes, uint64_t format);

std::optional<ReserveTag> reserve_tag(const void *reserve);
std::optional<uint64_t> packing_format(const void *packed);

void mark_consumed(const void *reserve);
// Blocks that begin in memory that something else is written to.
void forget_tags(const void *memory, int64_t bytes);
// The reserves of a plan that is no more.
void forget_plan(uint64_t plan_id);

}  // namespace rondo::cuda
