// The peers' side of the benchmark. A round is many calls between two waits, long enough for the clock and short enough
// for many shapes.
#include "peer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

namespace rondo::gpu {
namespace {

constexpr double least_round_seconds = 0.008;
constexpr int64_t most_calls = 2000;
// Beside a call this long, no warming is worth its time.
constexpr double long_call_seconds = 0.1;
// The untimed start of a round: it wakes threads, and brings back to the caches what another peer's round displaced.
constexpr double warming_seconds = 0.002;

double seconds_of(Variant &variant, int64_t calls) {
  variant.wait();
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) variant.enqueue();
  variant.wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// A single short call would be cold and near the clock's own cost.
double seconds_a_call(Variant &variant, double enough) {
  int64_t calls = 1;
  double seconds = seconds_of(variant, calls);
  while (seconds < enough && calls < most_calls) {
    calls *= 4;
    seconds = seconds_of(variant, calls);
  }
  return std::max(seconds / static_cast<double>(calls), 1e-7);
}

int64_t calls_lasting(double seconds, double one) {
  return std::clamp(static_cast<int64_t>(std::ceil(seconds / one)), int64_t{1}, most_calls);
}

struct Opened {
  std::unique_ptr<Variant> variant;
  int64_t calls = 1;
  int64_t warming_calls = 0;
};

class Server {
 public:
  explicit Server(const std::vector<Candidate> &candidates) : candidates_(candidates) {}

  nlohmann::json answer(const nlohmann::json &request) {
    const auto what = request.at("do").get<std::string>();
    if (what == "open") {
      return open(request.at("shape").get<Shape>(), request.value("thorough", true),
                  request.value("seconds", least_round_seconds));
    }
    if (what == "round") return round();
    if (what == "close") {
      opened_.clear();
      return nlohmann::json::object();
    }
    return {{"error", "unknown request " + what}};
  }

 private:
  nlohmann::json open(const Shape &shape, bool thorough, double round_seconds) {
    opened_.clear();
    nlohmann::json result = {{"variants", nlohmann::json::array()},
                             {"refused", nlohmann::json::object()},
                             {"probe", nlohmann::json::object()},
                             {"explain", nlohmann::json::object()}};
    for (const Candidate &candidate : candidates_) {
      if (candidate.only_thorough && !thorough) continue;
      try {
        Opened opened;
        opened.variant = candidate.make(shape);
        if (opened.variant == nullptr) continue;
        seconds_of(*opened.variant, 1);  // loads kernels, touches memory
        const std::vector<double> probe = opened.variant->probe();
        const double once = seconds_a_call(*opened.variant, round_seconds / 4);
        opened.calls = calls_lasting(round_seconds, once);
        if (once < long_call_seconds) opened.warming_calls = calls_lasting(warming_seconds, once);
        result["variants"].push_back(candidate.name);
        if (!probe.empty()) result["probe"][candidate.name] = probe;
        const std::string explained = opened.variant->explain();
        if (!explained.empty()) result["explain"][candidate.name] = explained;
        opened_.emplace(candidate.name, std::move(opened));
      } catch (const std::exception &error) {
        result["refused"][candidate.name] = error.what();
      }
    }
    return result;
  }

  nlohmann::json round() {
    nlohmann::json milliseconds = nlohmann::json::object();
    for (auto &[name, opened] : opened_) {
      seconds_of(*opened.variant, opened.warming_calls);
      milliseconds[name] = 1e3 * seconds_of(*opened.variant, opened.calls) / static_cast<double>(opened.calls);
    }
    return {{"ms", milliseconds}};
  }

  const std::vector<Candidate> &candidates_;
  std::map<std::string, Opened> opened_;
};

}  // namespace

int serve(const std::vector<Candidate> &candidates) {
  Server server(candidates);
  std::string line;
  while (std::getline(std::cin, line)) {
    nlohmann::json reply;
    try {
      reply = server.answer(nlohmann::json::parse(line));
    } catch (const std::exception &error) {
      reply = {{"error", error.what()}};
    }
    std::cout << reply.dump() << std::endl;
  }
  return 0;
}

}  // namespace rondo::gpu
