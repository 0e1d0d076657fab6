// Arena: lays blocks one after another in the caller's memory, each on a cache line. Without a base it only counts, so
// that the size a plan tells and the places a call uses come from the same code.
#pragma once

#include <cstdint>

#include "core/checked.h"
#include "core/pointers.h"

namespace rondo {

class Arena {
 public:
  explicit Arena(void *base) : base_(static_cast<char *>(base)) {}

  template <class T>
  T *take(Checked elements) {
    char *place = base_ == nullptr ? nullptr : base_ + used_.value();
    used_ = used_ + round_up(elements * static_cast<int64_t>(sizeof(T)), block_alignment);
    return reinterpret_cast<T *>(place);
  }
  Checked used() const { return used_; }

 private:
  char *base_;
  Checked used_ = 0;
};

}  // namespace rondo
