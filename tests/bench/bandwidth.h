// How fast memory can be read by vector loads: what a benchmark's bytes are a fraction of.
#pragma once

#include <cstddef>

namespace rondo::bench {

// Billions of bytes a second that `threads` threads reach together, each going over its share of a working set of
// `bytes` again and again; the best of several passes.
double read_gb_s(int threads, size_t bytes, double seconds);

// The vector instructions that the reading uses, by Highway's name.
const char *vector_target();

}  // namespace rondo::bench
