// Vectors that are shared, and the agents that point to them.
#include "clocks.h"

#include <algorithm>

namespace rondo_emulator {
namespace {

uint64_t joins;

}  // namespace

// Never destroyed, as the runner is not.
std::vector<Known::Vector *> &Known::spare() {
  static auto *all = new std::vector<Vector *>;
  return *all;
}

Known::Vector *Known::make() {
  Vector *made = nullptr;
  if (spare().empty()) {
    made = new Vector;
  } else {
    made = spare().back();
    spare().pop_back();
  }
  made->holders = 1;
  made->joined = 0;
  return made;
}

void Known::drop() {
  if (vector_ != nullptr && --vector_->holders == 0) {
    spare().push_back(vector_);
  }
}

Joint::Joint(uint32_t agents) : number_(++joins) {
  known_.vector_ = Known::make();
  known_.vector_->times.assign(agents, 0);
}

void Joint::add(const Known &known) {
  if (known.vector_ == nullptr || known.vector_->joined == number_) {
    return;
  }
  known.vector_->joined = number_;
  const std::vector<Time> &from = known.vector_->times;
  std::vector<Time> &to = known_.vector_->times;
  for (size_t k = 0; k < from.size(); ++k) {
    to[k] = std::max(to[k], from[k]);
  }
}

void Joint::add(Epoch moment) {
  Time &time = known_.vector_->times[moment.agent];
  time = std::max(time, moment.time);
}

void Joint::add(const View &view) {
  add(view.known);
  add(view.now());
  if (view.copied != 0) {
    add(Epoch{view.copier, view.copied});
  }
}

void Clocks::start(uint32_t agents) {
  views_.resize(agents);
  for (uint32_t agent = 0; agent < agents; ++agent) {
    views_[agent] = View{{}, agent, 1, UINT32_MAX, 0};
  }
  views_count_ = agents;
  lessons_.clear();
  next_lesson_ = 0;
}

void Clocks::learn(uint32_t agent, const Known &known) {
  View &view = views_[agent];
  if (view.known == known || known == Known()) {
    return;
  }
  for (const Lesson &lesson : lessons_) {
    if (lesson.before == view.known && lesson.what == known) {
      view.known = lesson.after;
      return;
    }
  }
  Joint joint(views_count_);
  joint.add(view.known);
  joint.add(known);
  Lesson lesson{view.known, known, joint.take()};
  view.known = lesson.after;
  if (lessons_.size() < kLessons) {
    lessons_.push_back(std::move(lesson));
  } else {
    lessons_[next_lesson_++ % kLessons] = std::move(lesson);
  }
}

void Clocks::join(uint32_t first, uint32_t count) {
  Joint joint(views_count_);
  for (uint32_t agent = first; agent < first + count; ++agent) {
    joint.add(views_[agent]);
  }
  const Known all = joint.take();
  for (uint32_t agent = first; agent < first + count; ++agent) {
    views_[agent].known = all;
    ++views_[agent].own;
  }
}

}  // namespace rondo_emulator
