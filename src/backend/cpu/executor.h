// CpuExecutor: one plan on the CPU, in double for f64 storage and float for the others.
#pragma once

#include <atomic>

#include "backend/backend.h"
#include "backend/cpu/facts.h"
#include "backend/cpu/split.h"

namespace rondo::cpu {

// What all plans of a context share: the team.
class CpuResources final : public BackendResources {
 public:
  explicit CpuResources(int threads) : team_(threads), threads_(threads) {}
  void set_threads(int threads) override {
    team_.resize(threads);
    threads_ = threads;
  }
  Team &team() { return team_; }
  int threads() const { return threads_; }

 private:
  Team team_;
  std::atomic<int> threads_;
};

template <class C>
class CpuExecutor final : public Executor {
 public:
  // Refuses a plan whose memory an int64 cannot count.
  static Status create(std::shared_ptr<CpuResources> resources, const Spec &spec, const Problem &problem,
                       std::unique_ptr<Executor> *executor);

  MemoryNeeds needs() const override { return needs_; }
  uint64_t packed_format() const override { return facts_.packed_format; }
  std::string description() const override;
  Status pack(const void *const *params, void *packed) const override;
  Status forward(const ForwardCall &call) const override;
  Status backward(const BackwardCall &call) const override;

 private:
  CpuExecutor(std::shared_ptr<CpuResources> resources, const Spec &spec, const Problem &problem);

  Status lay_out();
  template <class Args>
  void ask_for_huge_pages_of(const Args &args) const;
  struct Sizes {
    int64_t T, N, S;
  };
  SplitCosts split_costs_at(const Sizes &sizes, const Together &together) const;
  SplitCosts split_of(const Batch &batch) const;
  int members(Split split) const;
  std::string split_text() const;
  Status check_reserve(const ReserveHeader &header, const Batch &batch) const;

  std::shared_ptr<CpuResources> resources_;
  Facts<C> facts_;
  MemoryNeeds needs_{};
  mutable std::atomic<const void *> workspace_asked_{nullptr}, reserve_asked_{nullptr};  // for huge pages, last
  mutable std::atomic<uint32_t> calls_{0};  // forward calls so far; only the order of memory accesses goes by it
};

}  // namespace rondo::cpu
