// C ABI: attributes and parameters of a network.
#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "api/guard.h"
#include "core/attributes.h"
#include "core/parameters.h"
#include "core/struct_size.h"

using rondo::check_present;
using rondo::guarded;
using rondo::Status;

int32_t rondo_attribute_count() { return static_cast<int32_t>(rondo::attributes().size()); }

rondo_status_t rondo_attribute_find(const char *name, rondo_attribute_t *attribute) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("name", name));
    RONDO_TRY(check_present("attribute", attribute));
    const rondo::Attribute *found = nullptr;
    RONDO_TRY(rondo::find_attribute(name, &found));
    *attribute = found->id;
    return {};
  });
}

rondo_status_t rondo_attribute_info(rondo_attribute_t attribute, rondo_attribute_info_t *info) {
  return guarded(__func__, [&]() -> Status {
    const rondo::Attribute *found = nullptr;
    RONDO_TRY(rondo::check_struct("info", info));
    RONDO_TRY(rondo::find_attribute(attribute, &found));
    rondo::write_struct<rondo_attribute_info_t>(
        {0, found->name, found->is_float() ? 1 : 0, 0, found->default_value, found->min_value, found->max_value}, info);
    return {};
  });
}

rondo_status_t rondo_rnn_create(rondo_rnn_t *rnn) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    *rnn = new rondo_rnn_s;
    return {};
  });
}

void rondo_rnn_destroy(rondo_rnn_t rnn) { delete rnn; }

rondo_status_t rondo_rnn_set_int(rondo_rnn_t rnn, rondo_attribute_t attribute, int64_t value) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    return rondo::set_attribute(rnn->spec, attribute, value);
  });
}

rondo_status_t rondo_rnn_set_float(rondo_rnn_t rnn, rondo_attribute_t attribute, double value) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    return rondo::set_attribute(rnn->spec, attribute, value);
  });
}

rondo_status_t rondo_rnn_get_int(rondo_rnn_t rnn, rondo_attribute_t attribute, int64_t *value) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    RONDO_TRY(check_present("value", value));
    return rondo::get_attribute(rnn->spec, attribute, value);
  });
}

rondo_status_t rondo_rnn_get_float(rondo_rnn_t rnn, rondo_attribute_t attribute, double *value) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    RONDO_TRY(check_present("value", value));
    return rondo::get_attribute(rnn->spec, attribute, value);
  });
}

rondo_status_t rondo_rnn_param_count(rondo_rnn_t rnn, int64_t *count) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    RONDO_TRY(check_present("count", count));
    RONDO_TRY(rondo::validate(rnn->spec));
    *count = rondo::param_count(rnn->spec);
    return {};
  });
}

rondo_status_t rondo_rnn_param_info(rondo_rnn_t rnn, int64_t index, rondo_param_info_t *info) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    RONDO_TRY(rondo::check_struct("info", info));
    RONDO_TRY(rondo::validate(rnn->spec));
    const int64_t count = rondo::param_count(rnn->spec);
    if (index < 0 || index >= count) {
      return rondo::fail(RONDO_ERROR_INVALID_ARGUMENT, "index is %" PRId64 ", expected 0 to %" PRId64, index,
                         count - 1);
    }
    const rondo::Param param = rondo::param_at(rnn->spec, index);
    rondo_param_info_t known{};
    const std::string name = rondo::param_name(rnn->spec, param);
    std::copy_n(name.c_str(), std::min(name.size() + 1, sizeof known.name - 1), known.name);
    known.rank = param.rank;
    known.rows = param.rows;
    known.columns = param.columns;
    known.offset = param.offset;
    known.layer = param.layer;
    known.direction = param.direction;
    rondo::write_struct(known, info);
    return {};
  });
}

rondo_status_t rondo_rnn_flat_size(rondo_rnn_t rnn, int64_t *elements) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    RONDO_TRY(check_present("elements", elements));
    RONDO_TRY(rondo::validate(rnn->spec));
    *elements = rondo::flat_size(rnn->spec);
    return {};
  });
}

rondo_status_t rondo_rnn_init_params(rondo_rnn_t rnn, uint64_t seed, void *const *params, int64_t count) {
  return guarded(__func__, [&]() -> Status {
    RONDO_TRY(check_present("rnn", rnn));
    RONDO_TRY(rondo::validate(rnn->spec));
    RONDO_TRY(rondo::check_param_pointers(rnn->spec, "params", "count", params, count, false, rnn->spec.storage()));
    rondo::init_params(rnn->spec, seed, params);
    return {};
  });
}
