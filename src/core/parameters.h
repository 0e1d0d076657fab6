// The parameters of a network in PyTorch's order: names, shapes and places in one flat buffer, found by formula.
#pragma once

#include <string>

#include "core/spec.h"

namespace rondo {

enum class ParamKind { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr };

struct Param {
  ParamKind kind;
  int64_t layer, direction;
  int64_t rank, rows, columns;
  int64_t offset;  // elements before it in the flat buffer
};

// Parameters of one layer and direction, and of the whole network.
int64_t params_per_direction(const Spec &spec);
int64_t param_count(const Spec &spec);
int64_t flat_size(const Spec &spec);

// index from 0 to param_count - 1, of a validated spec.
Param param_at(const Spec &spec, int64_t index);
std::string param_name(const Spec &spec, const Param &param);

// The index of a parameter that the spec has.
int64_t param_index(const Spec &spec, int64_t layer, int64_t direction, ParamKind kind);

// Refuses sizes whose parameters, in bytes, do not fit an int64.
Status check_parameter_sizes(const Spec &spec);

// count and pointers as a caller gave them, under the arguments' names. NULL entries are errors unless they are
// allowed.
Status check_param_pointers(const Spec &spec, const char *name, const char *count_name, const void *const *pointers,
                            int64_t count, bool entries_may_be_null, rondo_dtype_t dtype);

// U(-1/sqrt(H), 1/sqrt(H)) for every parameter, a pure function of seed, index and element.
void init_params(const Spec &spec, uint64_t seed, void *const *params);

}  // namespace rondo
