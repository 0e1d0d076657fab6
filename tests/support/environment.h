// What the environment asks of the numeric suite: the back end under test, and how much of the grid to run.
// RONDO_TEST_BACKEND (auto, cpu, cudnn or fused), RONDO_TEST_PERSISTENT, RONDO_TEST_QUICK, RONDO_TEST_EMULATED; empty
// or 0 counts as not set.
#pragma once

#include <string>

#include "rondo/rondo.h"

namespace rondo::test {

// As its attribute's value; anything but auto is forced. Throws on a name that is none.
rondo_backend_t backend_under_test();

// Every plan requires persistent kernels, and what they do not serve is counted as refused: RONDO_TEST_PERSISTENT says
// of which types, 16-bit, f32 or tf32 (f32 whose products may round to it), and RONDO_FUSED_TIER, which the library
// reads, of which tier. For the cases with the tag [persistent], which ask before they run.
bool persistent_tests();
// Whether these are of f32, by tf32 or not; else they are of the 16-bit types.
bool persistent_f32_tests();
bool tf32_tests();

// The GPU back ends run on this machine's processor: everything works, a thousand times slower.
bool emulated_tests();
// Reduced grids, for slow (instrumented or emulated) builds.
bool quick_tests();

}  // namespace rondo::test
