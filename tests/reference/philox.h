// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) and the dropout
// mask that semantics.md defines with it. Written apart from the library's, on purpose.
#pragma once

#include <array>
#include <cstdint>

namespace rondo::test {

using PhiloxCounter = std::array<std::uint32_t, 4>;

// key: its low 32 bits are the first key word.
PhiloxCounter philox4x32_10(std::uint64_t key, PhiloxCounter counter);

struct DropoutSite {
  std::int64_t layer = 0;    // whose output is masked
  std::int64_t feature = 0;  // of D*O
  std::int64_t row = 0;      // of the caller's order; packed: the packed row
  std::int64_t step = 0;
};

// 0 where dropped, else 1/(1-p).
double dropout_factor(double p, std::uint64_t seed, std::uint64_t offset, const DropoutSite &site);

}  // namespace rondo::test
