// What calls cost where they do not have the processors to themselves: beside a busy process, beside another context,
// and what the team's threads burn after a call. Each case alternates with its run alone, for machines drift.
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "rondo/rondo.h"

namespace {

using Clock = std::chrono::steady_clock;

void check(rondo_status_t status) {
  if (status != RONDO_OK) {
    throw std::runtime_error(rondo_last_error());
  }
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// LSTM inference of one sequence, I = H, in a context of its own.
class Network {
 public:
  Network(int64_t threads, int64_t T, int64_t H) {
    check(rondo_context_create(&context_));
    check(rondo_context_set_threads(context_, threads));
    check(rondo_rnn_create(&rnn_));
    check(rondo_rnn_set_int(rnn_, RONDO_ATTR_INPUT_SIZE, H));
    check(rondo_rnn_set_int(rnn_, RONDO_ATTR_HIDDEN_SIZE, H));
    check(rondo_rnn_set_int(rnn_, RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU));
    rondo_plan_args_t problem{};
    problem.struct_size = sizeof problem;
    problem.mode = RONDO_INFERENCE;
    problem.max_T = T;
    problem.max_N = 1;
    check(rondo_plan_create(context_, rnn_, &problem, &plan_));
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, 0.05F);
    const auto draw = [&](std::vector<float> &values, int64_t count) {
      values.resize(static_cast<size_t>(count));
      std::generate(values.begin(), values.end(), [&] { return normal(random); });
    };
    const int64_t counts[] = {4 * H * H, 4 * H * H, 4 * H, 4 * H};
    for (int i = 0; i < 4; ++i) {
      draw(params_[i], counts[i]);
      pointers_[i] = params_[i].data();
    }
    draw(x_, T * H);
    y_.resize(x_.size());
    int64_t packed_size = 0;
    check(rondo_plan_packed_size(plan_, &packed_size));
    packed_ = aligned(packed_size);
    check(rondo_plan_pack_params(plan_, pointers_, 4, packed_, packed_size));
    call_.struct_size = sizeof call_;
    call_.batch.T = T;
    call_.batch.N = 1;
    call_.x = x_.data();
    call_.y = y_.data();
    call_.packed_params = packed_;
    check(rondo_plan_workspace_size(plan_, &call_.workspace_size));
    call_.workspace = aligned(call_.workspace_size);
  }
  ~Network() {
    rondo_plan_destroy(plan_);
    rondo_rnn_destroy(rnn_);
    rondo_context_destroy(context_);
    std::free(packed_);
    std::free(call_.workspace);
  }
  Network(const Network &) = delete;
  Network &operator=(const Network &) = delete;

  void run() { check(rondo_forward(plan_, &call_)); }

  // Calls a second, for about `duration` seconds.
  double rate(double duration) {
    run();
    const auto start = Clock::now();
    int64_t calls = 0;
    double passed = 0;
    do {
      run();
      ++calls;
      passed = seconds_since(start);
    } while (passed < duration);
    return static_cast<double>(calls) / passed;
  }

 private:
  static void *aligned(int64_t bytes) {
    void *block = std::aligned_alloc(64, (static_cast<size_t>(bytes) + 63) / 64 * 64);
    return block != nullptr ? block : throw std::bad_alloc();
  }

  rondo_context_t context_ = nullptr;
  rondo_rnn_t rnn_ = nullptr;
  rondo_plan_t plan_ = nullptr;
  std::vector<float> params_[4], x_, y_;
  const void *pointers_[4]{};
  void *packed_ = nullptr;
  rondo_forward_args_t call_{};
};

// A process that never rests, on one processor that this one may use too.
class BusyProcess {
 public:
  BusyProcess() : id_(fork()) {
    if (id_ == 0) {
      cpu_set_t allowed;
      cpu_set_t one;
      CPU_ZERO(&one);
      sched_getaffinity(0, sizeof allowed, &allowed);
      for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &allowed)) {
          CPU_SET(processor, &one);
          break;
        }
      }
      sched_setaffinity(0, sizeof one, &one);
      for (std::atomic<unsigned> turns{0};;) {
        turns.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
  ~BusyProcess() {
    if (id_ > 0) {
      kill(id_, SIGKILL);
      waitpid(id_, nullptr, 0);
    }
  }
  BusyProcess(const BusyProcess &) = delete;
  BusyProcess &operator=(const BusyProcess &) = delete;

 private:
  pid_t id_;
};

void tell(const char *name, const std::vector<double> &alone, const std::vector<double> &beside) {
  std::vector<double> ratios;
  for (size_t i = 0; i < alone.size(); ++i) {
    ratios.push_back(beside[i] / alone[i]);
  }
  std::printf("%-44s alone %8.0f calls/s, then %8.0f, ratio %.2f (%.2f to %.2f)\n", name, median(alone), median(beside),
              median(ratios), *std::min_element(ratios.begin(), ratios.end()),
              *std::max_element(ratios.begin(), ratios.end()));
}

void beside_process(int64_t threads, int rounds, double seconds) {
  Network network(threads, 150, 256);
  std::vector<double> alone;
  std::vector<double> beside;
  for (int round = 0; round < rounds; ++round) {
    alone.push_back(network.rate(seconds));
    const BusyProcess busy;
    beside.push_back(network.rate(seconds));
  }
  char name[64];
  std::snprintf(name, sizeof name, "%lld threads beside a busy process", static_cast<long long>(threads));
  tell(name, alone, beside);
}

void beside_context(int rounds, double seconds) {
  Network networks[2]{{2, 100, 256}, {2, 100, 256}};
  std::vector<double> alone[2];
  std::vector<double> beside[2];
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 2; ++i) {
      alone[i].push_back(networks[i].rate(seconds));
    }
    double other = 0;
    std::thread thread([&] { other = networks[1].rate(seconds); });
    beside[0].push_back(networks[0].rate(seconds));
    thread.join();
    beside[1].push_back(other);
  }
  tell("2 contexts of 2 threads at once, the first", alone[0], beside[0]);
  tell("2 contexts of 2 threads at once, the second", alone[1], beside[1]);
}

// Thread by thread: the clock of a whole process leaves out what threads on other processors did since their last tick.
double processor_seconds() {
  double seconds = 0;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const int thread = std::stoi(entry.path().filename().string());
    const auto clock = static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | 6U);
    timespec time{};
    clock_gettime(clock, &time);
    seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  return seconds;
}

void after_a_call(int calls) {
  Network network(2, 150, 256);
  std::vector<double> burnt;
  for (int call = 0; call < calls; ++call) {
    network.run();
    const double before = processor_seconds();
    usleep(5000);
    burnt.push_back((processor_seconds() - before) * 1e6);
  }
  std::printf("%-44s %.0f microseconds of processor time (median), %.0f at most\n", "2 threads, in 5 ms after a call",
              median(burnt), *std::max_element(burnt.begin(), burnt.end()));
}

}  // namespace

int main(int count, char **arguments) {
  try {
    const int rounds = count > 1 ? std::atoi(arguments[1]) : 5;
    const double seconds = count > 2 ? std::atof(arguments[2]) : 0.5;
    if (rounds < 1 || !(seconds > 0)) {
      throw std::runtime_error("usage: oversubscribed [rounds [seconds]]");
    }
    beside_process(1, rounds, seconds);
    beside_process(2, rounds, seconds);
    beside_context(rounds, seconds);
    after_a_call(20 * rounds);
    return 0;
  } catch (const std::exception &fault) {
    std::fprintf(stderr, "oversubscribed: %s\n", fault.what());
    return 1;
  }
}
