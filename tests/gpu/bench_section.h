// The bench section: peers as programs that keep a shape open, told round by round, so that their rounds alternate.
// A peer that cannot start or fails is named and left out; without rondo's own the section fails.
#pragma once

#include <nlohmann/json.hpp>

#include "result.h"
#include "sections.h"

namespace rondo::gpu {

// figures: {shape, mode, dtype, library, variant, ms, spread}, or with refused (a reason) in place of ms and spread.
Section run_bench(const Setup &setup, nlohmann::json &figures);

}  // namespace rondo::gpu
