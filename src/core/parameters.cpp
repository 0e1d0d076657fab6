// PyTorch's parameter order, per layer, then per direction, by formula: no table grows with the number of layers.
#include "core/parameters.h"

#include <array>
#include <cinttypes>

#include "core/checked.h"
#include "core/pointers.h"

namespace rondo {
namespace {

struct KindList {
  std::array<ParamKind, 5> kinds;
  int64_t count;
};

KindList kinds_of(const Spec &spec) {
  KindList list{{ParamKind::weight_ih, ParamKind::weight_hh}, 2};
  const auto add = [&](ParamKind kind) { list.kinds[static_cast<size_t>(list.count++)] = kind; };
  if (spec.bias != 0) {
    add(ParamKind::bias_ih);
    add(ParamKind::bias_hh);
  }
  if (spec.proj_size > 0) {
    add(ParamKind::weight_hr);
  }
  return list;
}

// Shapes of a kind in a layer; sizes that a validated spec keeps below 2^63.
Param shaped(const Spec &spec, ParamKind kind, int64_t layer) {
  Param param{kind, layer, 0, 2, spec.gates() * spec.hidden_size, 1, 0};
  switch (kind) {
    case ParamKind::weight_ih:
      param.columns = spec.layer_input(layer);
      break;
    case ParamKind::weight_hh:
      param.columns = spec.output();
      break;
    case ParamKind::bias_ih:
    case ParamKind::bias_hh:
      param.rank = 1;
      break;
    case ParamKind::weight_hr:
      param.rows = spec.proj_size;
      param.columns = spec.hidden_size;
      break;
  }
  return param;
}

int64_t elements_of_direction(const Spec &spec, int64_t layer) {
  const KindList list = kinds_of(spec);
  int64_t elements = 0;
  for (int64_t k = 0; k < list.count; ++k) {
    const Param param = shaped(spec, list.kinds[static_cast<size_t>(k)], layer);
    elements += param.rows * param.columns;
  }
  return elements;
}

const char *kind_name(ParamKind kind) {
  switch (kind) {
    case ParamKind::weight_ih:
      return "weight_ih";
    case ParamKind::weight_hh:
      return "weight_hh";
    case ParamKind::bias_ih:
      return "bias_ih";
    case ParamKind::bias_hh:
      return "bias_hh";
    case ParamKind::weight_hr:
      break;
  }
  return "weight_hr";
}

}  // namespace

int64_t params_per_direction(const Spec &spec) { return kinds_of(spec).count; }

int64_t param_count(const Spec &spec) { return spec.num_layers * spec.directions() * params_per_direction(spec); }

int64_t flat_size(const Spec &spec) {
  const int64_t D = spec.directions();
  return D * elements_of_direction(spec, 0) + (spec.num_layers - 1) * D * elements_of_direction(spec, 1);
}

Param param_at(const Spec &spec, int64_t index) {
  const KindList list = kinds_of(spec);
  const int64_t D = spec.directions();
  const int64_t position = index % list.count;
  const int64_t layer = index / list.count / D;
  const int64_t direction = index / list.count % D;
  Param param = shaped(spec, list.kinds[static_cast<size_t>(position)], layer);
  param.direction = direction;
  if (layer > 0) {
    param.offset = D * elements_of_direction(spec, 0) + (layer - 1) * D * elements_of_direction(spec, 1);
  }
  param.offset += direction * elements_of_direction(spec, layer);
  for (int64_t k = 0; k < position; ++k) {
    const Param before = shaped(spec, list.kinds[static_cast<size_t>(k)], layer);
    param.offset += before.rows * before.columns;
  }
  return param;
}

std::string param_name(const Spec &spec, const Param &param) {
  std::string name = kind_name(param.kind);
  if (spec.single_cell == 0) {
    name += "_l" + std::to_string(param.layer);
    name += param.direction == 1 ? "_reverse" : "";
  }
  return name;
}

int64_t param_index(const Spec &spec, int64_t layer, int64_t direction, ParamKind kind) {
  const KindList list = kinds_of(spec);
  int64_t position = 0;
  while (list.kinds[static_cast<size_t>(position)] != kind) {
    ++position;
  }
  return (layer * spec.directions() + direction) * list.count + position;
}

Status check_parameter_sizes(const Spec &spec) {
  const Checked GH = Checked(spec.gates()) * spec.hidden_size;
  const Checked above = Checked(spec.directions()) * spec.output();
  const Checked widest = above.value() > spec.input_size ? above : Checked(spec.input_size);
  // One bound for every layer: the widest input, all parameters present.
  const Checked direction = GH * (widest + spec.output() + 2) + Checked(spec.proj_size) * spec.hidden_size;
  const Checked bytes = direction * spec.directions() * spec.num_layers * dtype_size(RONDO_F64);
  if (above.overflowed() || bytes.overflowed()) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT,
                "input_size %" PRId64 ", hidden_size %" PRId64 ", num_layers %" PRId64
                ": the parameters' size overflows int64, expected less than 2^63 bytes",
                spec.input_size, spec.hidden_size, spec.num_layers);
  }
  return {};
}

Status check_param_pointers(const Spec &spec, const char *name, const char *count_name, const void *const *pointers,
                            int64_t count, bool entries_may_be_null, rondo_dtype_t dtype) {
  if (pointers == nullptr) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is NULL, expected %" PRId64 " pointers", name, param_count(spec));
  }
  if (count != param_count(spec)) {
    return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s is %" PRId64 ", expected %" PRId64, count_name, count,
                param_count(spec));
  }
  for (int64_t k = 0; k < count; ++k) {
    if (pointers[k] == nullptr && !entries_may_be_null) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT, "%s[%" PRId64 "] (%s) is NULL, expected data", name, k,
                  param_name(spec, param_at(spec, k)).c_str());
    }
    if (!is_aligned(pointers[k], dtype_size(dtype))) {
      return fail(RONDO_ERROR_INVALID_ARGUMENT,
                  "%s[%" PRId64 "] is %p, expected a multiple of %" PRId64 " bytes, as %s needs", name, k, pointers[k],
                  dtype_size(dtype), dtype_name(dtype));
    }
  }
  return {};
}

}  // namespace rondo
