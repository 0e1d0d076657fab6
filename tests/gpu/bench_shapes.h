// The shapes that the GPU benchmark times, the telling ones first: the time bound cuts the list at its end.
// DeepBench's problems, and beside them streaming, small models, FlashRNN's case, lengths, two layers, two directions.
#pragma once

#include <vector>

#include "shape.h"

namespace rondo::gpu {

std::vector<Shape> bench_shapes(bool quick);

// Whether peers compile kernels for a shape too: for a few, because that takes them seconds a shape.
bool is_thorough(const Shape &shape);

}  // namespace rondo::gpu
