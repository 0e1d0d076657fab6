// The attributes of a network: one row each, the only place that knows an attribute's name, default and bounds.
// A new option is an enum value in rondo.h, a field in Spec and a row here.
#pragma once

#include <span>

#include "core/spec.h"

namespace rondo {

struct Attribute {
  rondo_attribute_t id;
  const char *name;
  int64_t Spec::*integer;  // exactly one of integer and real is set
  double Spec::*real;
  double default_value, min_value, max_value;

  bool is_float() const { return real != nullptr; }
  void set(Spec &spec, double value) const {
    if (is_float()) {
      spec.*real = value;
    } else {
      spec.*integer = static_cast<int64_t>(value);
    }
  }
};

std::span<const Attribute> attributes();
Status find_attribute(rondo_attribute_t id, const Attribute **found);
Status find_attribute(const char *name, const Attribute **found);

// Bounds and kind are checked; spec is unchanged on failure.
Status set_attribute(Spec &spec, rondo_attribute_t id, int64_t value);
Status set_attribute(Spec &spec, rondo_attribute_t id, double value);
Status get_attribute(const Spec &spec, rondo_attribute_t id, int64_t *value);
Status get_attribute(const Spec &spec, rondo_attribute_t id, double *value);

}  // namespace rondo
