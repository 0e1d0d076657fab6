// The refusals of a reserve or packing that another plan, or another call, wrote.
#include "core/tags.h"

#include <atomic>
#include <cinttypes>

namespace rondo {
namespace {

const char *lengths_name(const Batch &batch) {
  if (batch.sequence == RONDO_SEQUENCE_PACKED) {
    return "batch_sizes";
  }
  return batch.lengths32 != nullptr ? "lengths32" : "lengths";
}

}  // namespace

uint64_t next_plan_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

ReserveTag make_reserve_tag(uint64_t plan_id, const Batch &batch) {
  return {plan_id, batch.T, batch.N, hash_lengths(batch), hash_order(batch), 0};
}

Status check_reserve_tag(const ReserveTag &tag, uint64_t plan_id, const Batch &batch) {
  if (tag.plan_id != plan_id) {
    return fail(RONDO_ERROR_STATE, "reserve was written by another plan, expected this plan's");
  }
  if (tag.consumed != 0) {
    return fail(
        RONDO_ERROR_STATE,
        "reserve was used up by an earlier backward, as consume_reserve = 1 allows; expected a new forward first");
  }
  if (tag.T != batch.T) {
    return fail(RONDO_ERROR_STATE, "T is %" PRId64 ", but forward's was %" PRId64, batch.T, tag.T);
  }
  if (tag.N != batch.N) {
    return fail(RONDO_ERROR_STATE, "N is %" PRId64 ", but forward's was %" PRId64, batch.N, tag.N);
  }
  if (tag.lengths != hash_lengths(batch)) {
    return fail(RONDO_ERROR_STATE, "%s are not those that forward had", lengths_name(batch));
  }
  if (tag.order != hash_order(batch)) {
    return fail(RONDO_ERROR_STATE, "sorted_indices are not those that forward had");
  }
  return {};
}

Status foreign_packing() {
  return fail(
      RONDO_ERROR_STATE,
      "packed_params are not parameters packed in this plan's format, expected those of rondo_plan_pack_params");
}

}  // namespace rondo
