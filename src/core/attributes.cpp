// The attribute table and its bounds checks. Sizes end at 2^40 so that a bound is exact as a double and products still
// show an overflow.
#include "core/attributes.h"

#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstring>

namespace rondo {
namespace {

constexpr double size_limit = 1099511627776.0;  // 2^40
constexpr double layer_limit = 1048576.0;

constexpr Attribute integer(rondo_attribute_t id, const char *name, int64_t Spec::*field, double default_value,
                            double min, double max) {
  return {id, name, field, nullptr, default_value, min, max};
}
constexpr Attribute real(rondo_attribute_t id, const char *name, double Spec::*field, double default_value, double min,
                         double max) {
  return {id, name, nullptr, field, default_value, min, max};
}

// Row k has id k + 1. input_size and hidden_size start at 0, "never set", which no caller can set.
constexpr Attribute table[] = {
    integer(RONDO_ATTR_CELL, "cell", &Spec::cell, RONDO_CELL_LSTM, 0, RONDO_CELL_GRU),
    integer(RONDO_ATTR_INPUT_SIZE, "input_size", &Spec::input_size, 0, 1, size_limit),
    integer(RONDO_ATTR_HIDDEN_SIZE, "hidden_size", &Spec::hidden_size, 0, 1, size_limit),
    integer(RONDO_ATTR_PROJ_SIZE, "proj_size", &Spec::proj_size, 0, 0, size_limit),
    integer(RONDO_ATTR_NUM_LAYERS, "num_layers", &Spec::num_layers, 1, 1, layer_limit),
    integer(RONDO_ATTR_BIDIRECTIONAL, "bidirectional", &Spec::bidirectional, 0, 0, 1),
    integer(RONDO_ATTR_BIAS, "bias", &Spec::bias, 1, 0, 1),
    real(RONDO_ATTR_DROPOUT, "dropout", &Spec::dropout, 0, 0, 1),
    integer(RONDO_ATTR_DTYPE, "dtype", &Spec::dtype, RONDO_F32, 0, RONDO_BF16),
    integer(RONDO_ATTR_CELL_STATE_TYPE, "cell_state_type", &Spec::cell_state_type, RONDO_AS_STORAGE, 0, RONDO_AS_F32),
    integer(RONDO_ATTR_PARAM_GRAD_TYPE, "param_grad_type", &Spec::param_grad_type, RONDO_AS_STORAGE, 0, RONDO_AS_F32),
    integer(RONDO_ATTR_LAYOUT, "layout", &Spec::layout, RONDO_TIME_MAJOR, 0, RONDO_BATCH_MAJOR),
    real(RONDO_ATTR_PADDING_VALUE, "padding_value", &Spec::padding_value, 0, -HUGE_VAL, HUGE_VAL),
    integer(RONDO_ATTR_DETERMINISTIC, "deterministic", &Spec::deterministic, 0, 0, 1),
    integer(RONDO_ATTR_CONSUME_RESERVE, "consume_reserve", &Spec::consume_reserve, 0, 0, 1),
    integer(RONDO_ATTR_DEVICE, "device", &Spec::device, RONDO_DEVICE_AUTO, 0, RONDO_DEVICE_CUDA),
    integer(RONDO_ATTR_BACKEND, "backend", &Spec::backend, RONDO_BACKEND_AUTO, 0, RONDO_BACKEND_FUSED),
    integer(RONDO_ATTR_SINGLE_CELL, "single_cell", &Spec::single_cell, 0, 0, 1),
    integer(RONDO_ATTR_FIXED_BATCH, "fixed_batch", &Spec::fixed_batch, 0, 0, 1),
    integer(RONDO_ATTR_PERSISTENT, "persistent", &Spec::persistent, RONDO_PERSISTENT_AUTO, 0, RONDO_PERSISTENT_REQUIRE),
    integer(RONDO_ATTR_AUTOTUNE, "autotune", &Spec::autotune, 0, 0, 1),
    integer(RONDO_ATTR_ALLOW_TF32, "allow_tf32", &Spec::allow_tf32, 0, 0, 1),
};

constexpr bool rows_are_in_order() {
  for (size_t k = 0; k < std::size(table); ++k) {
    if (table[k].id != static_cast<rondo_attribute_t>(k) + 1) {
      return false;
    }
  }
  return true;
}
static_assert(rows_are_in_order(), "an attribute's row is found by its id");

Status wrong_kind(const Attribute &attribute, const char *use) {
  return fail(RONDO_ERROR_INVALID_ARGUMENT, "attribute %s is %s; use rondo_rnn_%s", attribute.name,
              attribute.is_float() ? "a float" : "an integer", use);
}

}  // namespace

std::span<const Attribute> attributes() { return table; }

Status find_attribute(rondo_attribute_t id, const Attribute **found) {
  if (id < 1 || id > static_cast<rondo_attribute_t>(std::size(table))) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "unknown attribute %" PRId32 ", expected 1 to %zu", id, std::size(table));
  }
  *found = &table[id - 1];
  return {};
}

Status find_attribute(const char *name, const Attribute **found) {
  const auto *row = std::find_if(std::begin(table), std::end(table),
                                 [&](const Attribute &a) { return std::strcmp(a.name, name) == 0; });
  if (row == std::end(table)) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "unknown attribute \"%.64s\", expected a name as in rondo.h, such as \"hidden_size\"", name);
  }
  *found = row;
  return {};
}

Status set_attribute(Spec &spec, rondo_attribute_t id, int64_t value) {
  const Attribute *attribute = nullptr;
  RONDO_TRY(find_attribute(id, &attribute));
  if (attribute->is_float()) {
    return wrong_kind(*attribute, "set_float");
  }
  if (value < static_cast<int64_t>(attribute->min_value) || value > static_cast<int64_t>(attribute->max_value)) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %" PRId64 ", expected %.0f to %.0f", attribute->name, value,
                attribute->min_value, attribute->max_value);
  }
  spec.*attribute->integer = value;
  return {};
}

Status set_attribute(Spec &spec, rondo_attribute_t id, double value) {
  const Attribute *attribute = nullptr;
  RONDO_TRY(find_attribute(id, &attribute));
  if (!attribute->is_float()) {
    return wrong_kind(*attribute, "set_int");
  }
  if (!(value >= attribute->min_value && value <= attribute->max_value)) {  // written so that NaN is refused
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %g, expected %g to %g", attribute->name, value,
                attribute->min_value, attribute->max_value);
  }
  spec.*attribute->real = value;
  return {};
}

Status get_attribute(const Spec &spec, rondo_attribute_t id, int64_t *value) {
  const Attribute *attribute = nullptr;
  RONDO_TRY(find_attribute(id, &attribute));
  if (attribute->is_float()) {
    return wrong_kind(*attribute, "get_float");
  }
  *value = spec.*attribute->integer;
  return {};
}

Status get_attribute(const Spec &spec, rondo_attribute_t id, double *value) {
  const Attribute *attribute = nullptr;
  RONDO_TRY(find_attribute(id, &attribute));
  if (!attribute->is_float()) {
    return wrong_kind(*attribute, "get_int");
  }
  *value = spec.*attribute->real;
  return {};
}

}  // namespace rondo
