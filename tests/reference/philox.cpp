// Philox4x32-10 and the dropout mask; the constants are those of the paper's table 2.
// Two generators are chained: the first turns seed, offset and layer into the key of the second.
#include "philox.h"

namespace rondo::test {

PhiloxCounter philox4x32_10(std::uint64_t key, PhiloxCounter counter) {
  constexpr std::uint64_t multiplier_0 = 0xD2511F53U;
  constexpr std::uint64_t multiplier_1 = 0xCD9E8D57U;
  constexpr std::uint32_t weyl_0 = 0x9E3779B9U;
  constexpr std::uint32_t weyl_1 = 0xBB67AE85U;
  auto key_0 = static_cast<std::uint32_t>(key);
  auto key_1 = static_cast<std::uint32_t>(key >> 32U);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = multiplier_0 * counter[0];
    const std::uint64_t product_1 = multiplier_1 * counter[2];
    counter = {static_cast<std::uint32_t>(product_1 >> 32U) ^ counter[1] ^ key_0, static_cast<std::uint32_t>(product_1),
               static_cast<std::uint32_t>(product_0 >> 32U) ^ counter[3] ^ key_1,
               static_cast<std::uint32_t>(product_0)};
    key_0 += weyl_0;
    key_1 += weyl_1;
  }
  return counter;
}

double dropout_factor(double p, std::uint64_t seed, std::uint64_t offset, const DropoutSite &site) {
  const PhiloxCounter first =
      philox4x32_10(seed, {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(offset >> 32U),
                           static_cast<std::uint32_t>(site.layer), 0U});
  const std::uint64_t key = first[0] | static_cast<std::uint64_t>(first[1]) << 32U;
  const auto step = static_cast<std::uint64_t>(site.step);
  const PhiloxCounter words =
      philox4x32_10(key, {static_cast<std::uint32_t>(site.feature / 4), static_cast<std::uint32_t>(site.row),
                          static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32U)});
  const double word = words[static_cast<std::size_t>(site.feature % 4)];
  return word < p * 4294967296.0 ? 0.0 : 1.0 / (1.0 - p);
}

}  // namespace rondo::test
