// The table of tags, one a module. It may forget at any time, never invent: what it does not know passes.
#include "backend/cuda/tag_table.h"

#include <map>
#include <mutex>

namespace rondo::cuda {
namespace {

using Address = uintptr_t;

// Addresses of memory long freed are never taken back, so the table is emptied when it has this many.
constexpr size_t most_tags = 1 << 16;

template <class Tag>
class Tags {
 public:
  void remember(Address begin, int64_t bytes, const Tag &tag) {
    forget(begin, bytes);
    if (tags_.size() >= most_tags) {
      tags_.clear();
    }
    tags_[begin] = tag;
  }
  void forget(Address begin, int64_t bytes) {
    tags_.erase(tags_.lower_bound(begin), tags_.lower_bound(begin + static_cast<Address>(bytes)));
  }
  Tag *find(Address begin) {
    const auto found = tags_.find(begin);
    return found == tags_.end() ? nullptr : &found->second;
  }
  template <class Test>
  void keep_if(const Test &test) {
    for (auto place = tags_.begin(); place != tags_.end();) {
      place = test(place->second) ? std::next(place) : tags_.erase(place);
    }
  }

 private:
  std::map<Address, Tag> tags_;
};

struct Table {
  std::mutex mutex;
  Tags<ReserveTag> reserves;
  Tags<uint64_t> packings;
};

// Never destroyed: a plan may outlive the end of main.
Table &table() {
  static auto &made = *new Table;
  return made;
}

template <class Tag>
std::optional<Tag> copy_of(const Tag *tag) {
  return tag == nullptr ? std::nullopt : std::optional<Tag>(*tag);
}

Address address(const void *pointer) { return reinterpret_cast<Address>(pointer); }

}  // namespace

void remember_reserve(const void *reserve, int64_t bytes, const ReserveTag &tag) {
  const std::lock_guard<std::mutex> lock(table().mutex);
  table().packings.forget(address(reserve), bytes);
  table().reserves.remember(address(reserve), bytes, tag);
}

void remember_packing(const void *packed, int64_t bytes, uint64_t format) {
  const std::lock_guard<std::mutex> lock(table().mutex);
  table().reserves.forget(address(packed), bytes);
  table().packings.remember(address(packed), bytes, format);
}

std::optional<ReserveTag> reserve_tag(const void *reserve) {
  const std::lock_guard<std::mutex> lock(table().mutex);
  return copy_of(table().reserves.find(address(reserve)));
}

std::optional<uint64_t> packing_format(const void *packed) {
  const std::lock_guard<std::mutex> lock(table().mutex);
  return copy_of(table().packings.find(address(packed)));
}

void mark_consumed(const void *reserve) {
  const std::lock_guard<std::mutex> lock(table().mutex);
  if (ReserveTag *tag = table().reserves.find(address(reserve))) {
    tag->consumed = 1;
  }
}

void forget_tags(const void *memory, int64_t bytes) {
  const std::lock_guard<std::mutex> lock(table().mutex);
  table().reserves.forget(address(memory), bytes);
  table().packings.forget(address(memory), bytes);
}

void forget_plan(uint64_t plan_id) {
  const std::lock_guard<std::mutex> lock(table().mutex);
  table().reserves.keep_if([plan_id](const ReserveTag &tag) { return tag.plan_id != plan_id; });
}

}  // namespace rondo::cuda
