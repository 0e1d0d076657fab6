// int64 arithmetic that remembers an overflow: sizes are products of the caller's numbers, and a wrapped one would be a
// small buffer.
#pragma once

#include <cstdint>

namespace rondo {

class Checked {
 public:
  constexpr Checked(int64_t value) : value_(value) {}  // NOLINT(google-explicit-constructor): sizes mix with literals
  constexpr int64_t value() const { return value_; }
  constexpr bool overflowed() const { return overflowed_; }

  friend constexpr Checked operator*(Checked a, Checked b) {
    Checked result(0);
    result.overflowed_ = __builtin_mul_overflow(a.value_, b.value_, &result.value_) || a.overflowed_ || b.overflowed_;
    return result;
  }
  friend constexpr Checked operator+(Checked a, Checked b) {
    Checked result(0);
    result.overflowed_ = __builtin_add_overflow(a.value_, b.value_, &result.value_) || a.overflowed_ || b.overflowed_;
    return result;
  }

 private:
  int64_t value_;
  bool overflowed_ = false;
};

// The larger; an overflow in either stays.
constexpr Checked larger(Checked a, Checked b) { return a.value() < b.value() ? b + a * 0 : a + b * 0; }
constexpr Checked round_up(Checked value, int64_t multiple) {
  const Checked raised = value + (multiple - 1);
  return raised + -(raised.value() % multiple);
}
constexpr int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }
constexpr int64_t divide_up(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }

}  // namespace rondo
