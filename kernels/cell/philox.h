// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1,
// 2, 3" (SC 2011). Pure functions of key and counter, so every back end draws the same words in any order.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define RONDO_HOST_DEVICE __host__ __device__
#else
#define RONDO_HOST_DEVICE
#endif

namespace rondo::kernels {

struct PhiloxWords {
  uint32_t word[4];
};

RONDO_HOST_DEVICE inline PhiloxWords philox(uint64_t key, PhiloxWords counter) {
  auto key_lo = static_cast<uint32_t>(key);
  auto key_hi = static_cast<uint32_t>(key >> 32);
  uint32_t *c = counter.word;
  for (int round = 0; round < 10; ++round) {
    const uint64_t even = uint64_t{0xD2511F53} * c[0];
    const uint64_t odd = uint64_t{0xCD9E8D57} * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(odd >> 32) ^ c[1] ^ key_lo, static_cast<uint32_t>(odd),
                              static_cast<uint32_t>(even >> 32) ^ c[3] ^ key_hi, static_cast<uint32_t>(even)};
    for (int k = 0; k < 4; ++k) {
      c[k] = next[k];
    }
    key_lo += 0x9E3779B9;
    key_hi += 0xBB67AE85;
  }
  return counter;
}

}  // namespace rondo::kernels
