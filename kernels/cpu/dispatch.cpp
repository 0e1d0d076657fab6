// The choice of the instruction set, made once.
#include "kernels/cpu/targets.h"
// Before Highway's headers, whose tables it narrows.
#include "kernels/cpu/dispatch.h"

#include <strings.h>

#include <atomic>
#include <cstdint>

namespace rondo::kernels {
namespace {

// Highway's better sets have lower bits.
constexpr int64_t kUnlimited = -1;
std::atomic<int64_t> allowed{kUnlimited};

}  // namespace

bool limit_instruction_set(const char *best) {
  for (int bit = 0; bit < 63; ++bit) {
    const int64_t target = int64_t{1} << bit;
    // Highway answers "Unknown" for a bit that is none.
    if (strcasecmp(hwy::TargetName(target), best) == 0 && strcasecmp(best, "Unknown") != 0) {
      allowed.store(~(target - 1));
      return true;
    }
  }
  return false;
}

bool instruction_set_is_limited() { return allowed.load() != kUnlimited; }

const hwy::ChosenTarget &chosen_target() {
  static hwy::ChosenTarget chosen;
  static const bool updated = [] {
    chosen.Update(hwy::SupportedTargets() & allowed.load());
    return true;
  }();
  (void)updated;
  return chosen;
}

}  // namespace rondo::kernels
