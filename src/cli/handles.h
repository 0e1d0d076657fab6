// RAII over the handles of rondo.h.
// A context must outlive its plans: declare it before them.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "cli/errors.h"
#include "rondo/rondo.h"

namespace rondo::cli {

template <class Handle, void (*destroy)(Handle)>
struct HandleDeleter {
  void operator()(Handle handle) const { destroy(handle); }
};

template <class Handle, void (*destroy)(Handle)>
using UniqueHandle = std::unique_ptr<std::remove_pointer_t<Handle>, HandleDeleter<Handle, destroy>>;

using Context = UniqueHandle<rondo_context_t, rondo_context_destroy>;
using Rnn = UniqueHandle<rondo_rnn_t, rondo_rnn_destroy>;
using Plan = UniqueHandle<rondo_plan_t, rondo_plan_destroy>;

// threads: 0 = the library's default.
inline Context make_context(int64_t threads = 0) {
  rondo_context_t context = nullptr;
  check(rondo_context_create(&context));
  Context owned(context);
  check(rondo_context_set_threads(context, threads));
  return owned;
}

inline int64_t threads_of(const Context &context) {
  int64_t threads = 0;
  check(rondo_context_get_threads(context.get(), &threads));
  return threads;
}

inline Rnn make_rnn() {
  rondo_rnn_t rnn = nullptr;
  check(rondo_rnn_create(&rnn));
  return Rnn(rnn);
}

inline Plan make_plan(rondo_context_t context, rondo_rnn_t rnn, const rondo_plan_args_t &args) {
  rondo_plan_t plan = nullptr;
  check(rondo_plan_create(context, rnn, &args, &plan));
  return Plan(plan);
}

}  // namespace rondo::cli
