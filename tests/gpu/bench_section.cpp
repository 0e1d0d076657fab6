// Opening, alternating rounds, comparing, closing.
// Results are compared before they are timed: the peers drew the same values, so y must be the same but for roundings.
#include "bench_section.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "bench_shapes.h"
#include "process.h"

namespace rondo::gpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double answer_seconds = 60;
// The last answer may come this late, so that a shape that was begun is not lost for a moment.
constexpr double grace_seconds = 1;

struct Peer {
  std::string name;  // of the library that it measures
  std::unique_ptr<Conversation> conversation;
  bool open = false;
};

struct Bench {
  const Setup &setup;
  Section &section;
  nlohmann::json &figures;
  std::vector<Peer> peers;
  Clock::time_point start = Clock::now();

  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
  double left() const { return bench_seconds * setup.time_scale - elapsed(); }
  void note(const std::string &text) { section.text += text + "\n"; }
  void fail(const std::string &text) {
    ++section.failed;
    note(text);
  }
};

nlohmann::json ask(const Bench &bench, Peer &peer, const nlohmann::json &request) {
  const double seconds = std::min(answer_seconds, std::max(0.0, bench.left()) + grace_seconds);
  nlohmann::json answer = nlohmann::json::parse(peer.conversation->ask(request.dump(), seconds));
  if (answer.contains("error")) throw std::runtime_error(answer.at("error").get<std::string>());
  return answer;
}

// A peer that broke is not asked again. Rondo's own may only be late where the section's time is up.
void drop(Bench &bench, Peer &peer, const std::string &why, bool cut) {
  peer.conversation.reset();
  peer.open = false;
  const std::string text = peer.name + ": " + why + (cut ? ": the section's time is up" : "");
  if (peer.name == "rondo" && !cut) {
    bench.fail(text);
  } else {
    bench.note(text);
  }
}

template <class Action>
void attempt(Bench &bench, Peer &peer, const std::string &title, Action &&action) {
  try {
    action();
  } catch (const NoAnswer &error) {
    drop(bench, peer, title + error.what(), bench.left() <= 0);
  } catch (const std::exception &error) {
    drop(bench, peer, title + error.what(), false);
  }
}

void start_peers(Bench &bench) {
  const Setup &setup = bench.setup;
  std::vector<std::pair<std::string, std::vector<std::string>>> commands{
      {"rondo", {setup.program("rondo_gpu_bench")}}, {"cudnn", {setup.program("rondo_bench_cudnn")}}};
  if (setup.python.empty()) {
    bench.note("torch: there is no python3");
  } else {
    commands.push_back({"torch", {setup.python, setup.root + "/share/python/torch_bench.py"}});
  }
  for (const auto &[library, command] : commands) {
    Peer peer{library, nullptr, false};
    attempt(bench, peer, "", [&, &command = command] {
      peer.conversation = std::make_unique<Conversation>(command);
      ask(bench, peer, {{"do", "close"}});  // it is there and understands
    });
    bench.peers.push_back(std::move(peer));
  }
}

nlohmann::json figure(const Shape &shape, const std::string &library, const std::string &variant) {
  const nlohmann::json words = shape;
  return {{"shape", shape.name()},
          {"mode", words.at("mode")},
          {"dtype", words.at("dtype")},
          {"library", library},
          {"variant", variant}};
}

// How far results may lie apart, T steps of roundings included; what is wrong is wrong by far more.
double tolerance(const Shape &shape) {
  if (shape.dtype == RONDO_F64) return 1e-8;
  if (shape.dtype == RONDO_F32) return 5e-3;  // cuDNN and PyTorch may use tf32
  return shape.dtype == RONDO_F16 ? 0.03 : 0.2;
}

using Probes = std::map<std::string, std::vector<double>>;

void compare(Bench &bench, const Shape &shape, const Probes &probes) {
  const auto reference =
      std::find_if(probes.begin(), probes.end(), [](const auto &entry) { return entry.first.rfind("rondo", 0) != 0; });
  if (reference == probes.end()) return;
  for (const auto &[name, values] : probes) {
    double worst = 0;
    for (size_t k = 0; k < values.size(); ++k) {
      const double distance = std::fabs(values[k] - reference->second.at(k));
      worst = std::isfinite(distance) ? std::max(worst, distance) : HUGE_VAL;
    }
    if (worst <= tolerance(shape)) continue;
    bench.fail(shape.name() + ": y of " + name + " and of " + reference->first + " differ by " + std::to_string(worst));
  }
}

void open_peer(Bench &bench, Peer &peer, const Shape &shape, Probes &probes) {
  const nlohmann::json answer = ask(bench, peer, {{"do", "open"}, {"shape", shape}, {"thorough", is_thorough(shape)}});
  for (const auto &[variant, reason] : answer.at("refused").items()) {
    nlohmann::json refused = figure(shape, peer.name, variant);
    refused["refused"] = reason;
    bench.figures.push_back(refused);
  }
  for (const auto &variant : answer.at("variants")) {
    const auto name = variant.get<std::string>();
    // A peer that has no lengths computes other rows, and says so by giving no probe.
    const auto probe = answer.at("probe").find(name);
    if (probe != answer.at("probe").end()) probes[peer.name + " " + name] = probe->get<std::vector<double>>();
  }
  peer.open = !answer.at("variants").empty();
  if (!peer.open && peer.name == "rondo") bench.fail(shape.name() + ": rondo refuses it in every way");
}

Probes open(Bench &bench, const Shape &shape) {
  Probes probes;
  for (Peer &peer : bench.peers) {
    peer.open = false;
    if (peer.conversation == nullptr) continue;
    attempt(bench, peer, shape.name() + ": ", [&] { open_peer(bench, peer, shape, probes); });
  }
  return probes;
}

using Times = std::map<std::pair<std::string, std::string>, std::vector<double>>;

Times timed_rounds(Bench &bench, const Shape &shape) {
  Times times;
  const int rounds = bench.setup.quick ? 3 : 5;
  for (int round = 0; round < rounds; ++round) {
    for (Peer &peer : bench.peers) {
      if (!peer.open) continue;
      attempt(bench, peer, shape.name() + ": ", [&] {
        const nlohmann::json answer = ask(bench, peer, {{"do", "round"}});
        for (const auto &[variant, ms] : answer.at("ms").items()) {
          times[{peer.name, variant}].push_back(ms.get<double>());
        }
      });
    }
  }
  return times;
}

void measure(Bench &bench, const Shape &shape) {
  for (auto &[who, list] : timed_rounds(bench, shape)) {
    std::vector<double> sorted = list;
    std::sort(sorted.begin(), sorted.end());
    const double median = sorted[sorted.size() / 2];
    nlohmann::json row = figure(shape, who.first, who.second);
    row["ms"] = median;
    row["spread"] = median > 0 ? (sorted.back() - sorted.front()) / median : 0;
    bench.figures.push_back(row);
  }
}

void close(Bench &bench) {
  for (Peer &peer : bench.peers) {
    if (!peer.open) continue;
    attempt(bench, peer, "", [&] { ask(bench, peer, {{"do", "close"}}); });
  }
}

}  // namespace

Section run_bench(const Setup &setup, nlohmann::json &figures) {
  Section section;
  section.name = bench_section;
  section.quick = setup.quick;
  figures = nlohmann::json::array();
  Bench bench{setup, section, figures, {}};
  start_peers(bench);
  const bool alone = bench.peers.front().conversation == nullptr;
  for (const Shape &shape : alone ? std::vector<Shape>{} : bench_shapes(setup.quick)) {
    if (bench.left() <= 0) {
      ++section.skipped;
      continue;
    }
    const int64_t failed_before = section.failed;
    compare(bench, shape, open(bench, shape));
    measure(bench, shape);
    close(bench);
    if (section.failed == failed_before) ++section.passed;
  }
  if (section.skipped > 0) bench.note(std::to_string(section.skipped) + " shapes were cut by the time bound");
  bench.peers.clear();
  section.seconds = bench.elapsed();
  section.outcome = section.failed > 0 ? Outcome::failed : section.passed > 0 ? Outcome::passed : Outcome::skipped;
  return section;
}

}  // namespace rondo::gpu
