// The machine's multiply-add ceiling, measured: what a benchmark's figures are a fraction of.
#pragma once

namespace rondo::kernels {

// Billions of floating-point operations a second that `threads` threads reach together in independent vector
// multiply-adds on registers.
double measure_fma_peak_gflops(int threads, double seconds, bool f64);

}  // namespace rondo::kernels
