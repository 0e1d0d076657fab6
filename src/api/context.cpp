// C ABI: version, errors and the context.
#include "api/guard.h"

#define RONDO_TEXT_OF(x) #x
#define RONDO_TEXT(x) RONDO_TEXT_OF(x)

using rondo::guarded;
using rondo::Status;

const char *rondo_status_name(rondo_status_t status) {
  switch (status) {
    case RONDO_OK:
      return "RONDO_OK";
    case RONDO_ERROR_INVALID_ARGUMENT:
      return "RONDO_ERROR_INVALID_ARGUMENT";
    case RONDO_ERROR_UNSUPPORTED:
      return "RONDO_ERROR_UNSUPPORTED";
    case RONDO_ERROR_OUT_OF_MEMORY:
      return "RONDO_ERROR_OUT_OF_MEMORY";
    case RONDO_ERROR_STATE:
      return "RONDO_ERROR_STATE";
    case RONDO_ERROR_VERSION:
      return "RONDO_ERROR_VERSION";
    case RONDO_ERROR_DEVICE:
      return "RONDO_ERROR_DEVICE";
    case RONDO_ERROR_INTERNAL:
      return "RONDO_ERROR_INTERNAL";
    default:
      return "unknown status";
  }
}

const char *rondo_last_error() { return rondo::last_error(); }

int32_t rondo_version() { return RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100 + RONDO_VERSION_PATCH; }

const char *rondo_version_string() {
  return RONDO_TEXT(RONDO_VERSION_MAJOR) "." RONDO_TEXT(RONDO_VERSION_MINOR) "." RONDO_TEXT(RONDO_VERSION_PATCH);
}

rondo_status_t rondo_context_create(rondo_context_t *context) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(rondo::check_present("context", context));
    auto made = std::make_unique<rondo_context_s>();
    RONDO_TRY(rondo::Context::create(&made->context));
    *context = made.release();
    return {};
  });
}

void rondo_context_destroy(rondo_context_t context) { delete context; }

rondo_status_t rondo_context_set_threads(rondo_context_t context, int64_t threads) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(rondo::check_present("context", context));
    return context->context->set_threads(threads);
  });
}

rondo_status_t rondo_context_get_threads(rondo_context_t context, int64_t *threads) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(rondo::check_present("context", context));
    RONDO_TRY(rondo::check_present("threads", threads));
    *threads = context->context->threads();
    return {};
  });
}

rondo_status_t rondo_context_set_log(rondo_context_t context, rondo_log_callback_t callback, void *user) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(rondo::check_present("context", context));
    context->context->set_log(callback, user);
    return {};
  });
}
