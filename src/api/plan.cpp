// C ABI: plans, their execution, and the list of back ends.
#include "plan/plan.h"

#include "api/guard.h"
#include "core/struct_size.h"

struct rondo_plan_s {
  std::unique_ptr<rondo::Plan> plan;
};

using rondo::check_present;
using rondo::guarded;
using rondo::Status;

namespace {

// Answers one fact of a plan.
template <class Value, class Fact>
rondo_status_t answer(const char *function, rondo_plan_t plan, const char *name, Value *value, Fact &&fact) {
  return guarded(function, [&]() -> Status {
    RONDO_TRY(check_present("plan", plan));
    RONDO_TRY(check_present(name, value));
    *value = fact(*plan->plan);
    return {};
  });
}

}  // namespace

rondo_status_t rondo_plan_create(rondo_context_t context, rondo_rnn_t rnn, const rondo_plan_args_t *args,
                                 rondo_plan_t *plan) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("context", context));
    RONDO_TRY(check_present("rnn", rnn));
    RONDO_TRY(check_present("plan", plan));
    auto made = std::make_unique<rondo_plan_s>();
    RONDO_TRY(rondo::Plan::create(context->context, rnn->spec, args, &made->plan));
    *plan = made.release();
    return {};
  });
}

void rondo_plan_destroy(rondo_plan_t plan) { delete plan; }

rondo_status_t rondo_plan_workspace_size(rondo_plan_t plan, int64_t *bytes) {
  return answer(__func__, plan, "bytes", bytes, [](const rondo::Plan &p) { return p.needs().workspace; });
}

rondo_status_t rondo_plan_reserve_size(rondo_plan_t plan, int64_t *bytes) {
  return answer(__func__, plan, "bytes", bytes, [](const rondo::Plan &p) { return p.needs().reserve; });
}

rondo_status_t rondo_plan_packed_size(rondo_plan_t plan, int64_t *bytes) {
  return answer(__func__, plan, "bytes", bytes, [](const rondo::Plan &p) { return p.needs().packed; });
}

rondo_status_t rondo_plan_packed_format(rondo_plan_t plan, uint64_t *format) {
  return answer(__func__, plan, "format", format, [](const rondo::Plan &p) { return p.packed_format(); });
}

rondo_status_t rondo_plan_device(rondo_plan_t plan, rondo_device_t *device) {
  return answer(__func__, plan, "device", device, [](const rondo::Plan &p) { return p.device(); });
}

const char *rondo_plan_backend_name(rondo_plan_t plan) { return plan == nullptr ? "" : plan->plan->backend_name(); }

const char *rondo_plan_explain(rondo_plan_t plan) { return plan == nullptr ? "" : plan->plan->explanation(); }

rondo_status_t rondo_plan_pack_params(rondo_plan_t plan, const void *const *params, int64_t count, void *packed,
                                      int64_t packed_size) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("plan", plan));
    return plan->plan->pack(params, count, packed, packed_size);
  });
}

rondo_status_t rondo_forward(rondo_plan_t plan, const rondo_forward_args_t *args) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("plan", plan));
    return plan->plan->forward(args);
  });
}

rondo_status_t rondo_backward(rondo_plan_t plan, const rondo_backward_args_t *args) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("plan", plan));
    return plan->plan->backward(args);
  });
}

int32_t rondo_backend_count() { return rondo::backend_count(); }

rondo_status_t rondo_backend_info(int32_t index, rondo_backend_info_t *info) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(rondo::check_struct("info", info));
    rondo::BackendFacts facts{};
    RONDO_TRY(rondo::backend_facts(index, &facts));
    rondo::write_struct<rondo_backend_info_t>(
        {0, facts.id, facts.device, facts.name, facts.available ? 1 : 0, 0, facts.detail}, info);
    return {};
  });
}
