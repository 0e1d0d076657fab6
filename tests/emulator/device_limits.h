// What a GPU of a capability allows a launch. Where NVIDIA's tables leave a generation open, the smaller number.
#pragma once

namespace rondo_emulator {

struct Limits {
  int shared_of_block, shared_of_multiprocessor;  // bytes
  int blocks, threads;                            // of a multiprocessor
  int largest_cluster;                            // blocks; 1: no clusters
};

inline constexpr int kMostThreads = 1024;
inline constexpr int kPlainShared = 48 << 10;    // a block's without asking for more
inline constexpr int kReservedShared = 1 << 10;  // of each block's
inline constexpr int kPortableCluster = 8;
inline constexpr int kMultiprocessorsOfCluster = 16;  // that can form one

constexpr Limits limits_of(int capability) {
  constexpr int kKilo = 1 << 10;
  switch (capability) {
    case 80:
      return {163 * kKilo, 164 * kKilo, 32, 2048, 1};
    case 86:
      return {99 * kKilo, 100 * kKilo, 16, 1536, 1};
    case 89:
      return {99 * kKilo, 100 * kKilo, 24, 1536, 1};
    case 90:
    case 100:
    case 103:
      return {227 * kKilo, 228 * kKilo, 32, 2048, 16};
    case 120:
    case 121:
      return {99 * kKilo, 100 * kKilo, 24, 1536, 8};
    default:
      return {kPlainShared, 64 * kKilo, 16, 1024, capability >= 90 ? 8 : 1};
  }
}

}  // namespace rondo_emulator
