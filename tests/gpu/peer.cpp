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

double seconds_of(Variant &variant, int64_t calls) {
  variant.wait();
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) variant.enqueue();
  variant.wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Opened {
  std::unique_ptr<Variant> variant;
  int64_t calls = 1;
};

class Server {
 public:
  explicit Server(const std::vector<Candidate> &candidates) : candidates_(candidates) {}

  nlohmann::json answer(const nlohmann::json &request) {
    const auto what = request.at("do").get<std::string>();
    if (what == "open") return open(request.at("shape").get<Shape>(), request.value("thorough", true));
    if (what == "round") return round();
    if (what == "close") {
      opened_.clear();
      return nlohmann::json::object();
    }
    return {{"error", "unknown request " + what}};
  }

 private:
  nlohmann::json open(const Shape &shape, bool thorough) {
    opened_.clear();
    nlohmann::json result = {{"variants", nlohmann::json::array()},
                             {"refused", nlohmann::json::object()},
                             {"probe", nlohmann::json::object()}};
    for (const Candidate &candidate : candidates_) {
      if (candidate.only_thorough && !thorough) continue;
      try {
        Opened opened;
        opened.variant = candidate.make(shape);
        if (opened.variant == nullptr) continue;
        seconds_of(*opened.variant, 1);  // loads kernels, touches memory
        const std::vector<double> probe = opened.variant->probe();
        const double once = std::max(seconds_of(*opened.variant, 1), 1e-7);
        opened.calls = std::clamp(static_cast<int64_t>(std::ceil(least_round_seconds / once)), int64_t{1}, most_calls);
        result["variants"].push_back(candidate.name);
        result["probe"][candidate.name] = probe;
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
