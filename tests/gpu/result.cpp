// Reading, merging, writing and printing of results.
// A figure is {shape, mode, dtype, library, variant, ms, spread}; spread is (slowest - fastest) / median of the rounds.
#include "result.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>

namespace rondo::gpu {
namespace {

constexpr int format = 1;

Outcome outcome_of(const std::string &name) {
  for (const Outcome outcome : {Outcome::passed, Outcome::failed, Outcome::skipped}) {
    if (outcome_name(outcome) == name) return outcome;
  }
  throw std::runtime_error("a result file holds the unknown outcome \"" + name + "\"");
}

nlohmann::ordered_json to_json(const Section &section) {
  return {{"name", section.name},       {"status", outcome_name(section.outcome)},
          {"seconds", section.seconds}, {"passed", section.passed},
          {"failed", section.failed},   {"skipped", section.skipped},
          {"quick", section.quick},     {"text", section.text}};
}

Section section_of(const nlohmann::json &json) {
  Section section;
  section.name = json.at("name").get<std::string>();
  section.outcome = outcome_of(json.at("status").get<std::string>());
  json.at("seconds").get_to(section.seconds);
  json.at("passed").get_to(section.passed);
  json.at("failed").get_to(section.failed);
  json.at("skipped").get_to(section.skipped);
  json.at("quick").get_to(section.quick);
  section.text = json.at("text").get<std::string>();
  return section;
}

Origin origin_of(const nlohmann::json &json) {
  Origin origin;
  json.at("commit").get_to(origin.commit);
  json.at("date").get_to(origin.date);
  json.at("gpu").get_to(origin.gpu);
  json.at("capability").get_to(origin.capability);
  json.at("driver").get_to(origin.driver);
  json.at("cuda").get_to(origin.cuda);
  json.at("cudnn").get_to(origin.cudnn);
  origin.hashes = json.at("hashes");
  return origin;
}

// The fastest variant of a library for each shape.
using Fastest = std::map<std::string, std::map<std::string, std::pair<double, std::string>>>;

Fastest fastest(const nlohmann::json &figures, std::vector<std::string> &order) {
  Fastest best;
  for (const auto &figure : figures) {
    if (!figure.contains("ms")) continue;  // refused
    const auto variant = figure.at("variant").get<std::string>();
    // tf32 is another precision: compared with its like.
    const bool tf32 = variant.size() > 5 && variant.substr(variant.size() - 5) == " tf32";
    const std::string shape = figure.at("shape").get<std::string>() + (tf32 ? " tf32" : "");
    if (best.count(shape) == 0) order.push_back(shape);
    const double ms = figure.at("ms").get<double>();
    auto &of_library = best[shape][figure.at("library").get<std::string>()];
    if (of_library.second.empty() || ms < of_library.first) {
      of_library = {ms, variant};
    }
  }
  return best;
}

std::string ratio(const std::map<std::string, std::pair<double, std::string>> &row, const std::string &peer) {
  const auto ours = row.find("rondo");
  const auto theirs = row.find(peer);
  if (ours == row.end() || theirs == row.end()) return "-";
  std::ostringstream text;
  text << std::fixed << std::setprecision(2) << theirs->second.first / ours->second.first;
  return text.str();
}

std::string figures_table(const nlohmann::json &figures) {
  std::vector<std::string> order;
  const Fastest best = fastest(figures, order);
  std::ostringstream text;
  if (order.empty()) return "";
  text << "\n"
       << std::left << std::setw(44) << "shape" << std::setw(18) << "rondo's best" << std::right << std::setw(10)
       << "ms" << std::setw(11) << "x cuDNN" << std::setw(11) << "x PyTorch"
       << "\n";
  for (const std::string &shape : order) {
    const auto &row = best.at(shape);
    const auto ours = row.find("rondo");
    text << std::left << std::setw(44) << shape << std::setw(18) << (ours == row.end() ? "-" : ours->second.second)
         << std::right << std::setw(10) << std::fixed << std::setprecision(4)
         << (ours == row.end() ? std::numeric_limits<double>::quiet_NaN() : ours->second.first) << std::setw(11)
         << ratio(row, "cudnn") << std::setw(11) << ratio(row, "torch") << "\n";
  }
  text << "x: the peer's best time over rondo's, so above 1 rondo is faster\n";
  return text.str();
}

}  // namespace

std::string outcome_name(Outcome outcome) {
  return outcome == Outcome::passed ? "passed" : outcome == Outcome::failed ? "failed" : "skipped";
}

bool Origin::equals(const Origin &other) const {
  return commit == other.commit && gpu == other.gpu && driver == other.driver && cudnn == other.cudnn &&
         hashes == other.hashes;
}

ResultFile::ResultFile(const std::string &path, const Origin &origin) : path_(path), origin_(origin) {
  std::ifstream file(path);
  if (!file) return;
  load(nlohmann::json::parse(file));
}

void ResultFile::load(const nlohmann::json &document) {
  if (document.at("format") != format) throw std::runtime_error(path_ + " is of another format");
  const Origin known = origin_of(document);
  if (!known.equals(origin_)) {
    throw std::runtime_error(path_ + " is of another build or machine (commit " + known.commit + ", " + known.gpu +
                             "): name another file with --out");
  }
  for (const auto &section : document.at("sections")) sections_.push_back(section_of(section));
  figures_ = document.at("figures");
}

const Section *ResultFile::find(const std::string &name) const {
  const auto found = std::find_if(sections_.begin(), sections_.end(), [&](const Section &s) { return s.name == name; });
  return found == sections_.end() ? nullptr : &*found;
}

void ResultFile::put(const Section &section) {
  const auto known =
      std::find_if(sections_.begin(), sections_.end(), [&](const Section &s) { return s.name == section.name; });
  if (known == sections_.end()) {
    sections_.push_back(section);
  } else {
    *known = section;
  }
  save();
}

void ResultFile::put_figures(const nlohmann::json &figures) {
  figures_ = figures;
  save();
}

void ResultFile::save() const {
  nlohmann::ordered_json document = {{"format", format},
                                     {"commit", origin_.commit},
                                     {"date", origin_.date},
                                     {"gpu", origin_.gpu},
                                     {"capability", origin_.capability},
                                     {"driver", origin_.driver},
                                     {"cuda", origin_.cuda},
                                     {"cudnn", origin_.cudnn},
                                     {"hashes", origin_.hashes},
                                     {"sections", nlohmann::ordered_json::array()}};
  for (const Section &section : sections_) document["sections"].push_back(to_json(section));
  document["figures"] = figures_;
  const std::string temporary = path_ + ".part";
  {
    std::ofstream file(temporary);
    file << document.dump(1) << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + temporary);
  }
  std::filesystem::rename(temporary, path_);
}

std::string table(const ResultFile &result) {
  std::ostringstream text;
  text << std::left << std::setw(16) << "section" << std::setw(9) << "status" << std::right << std::setw(9) << "seconds"
       << std::setw(8) << "passed" << std::setw(8) << "failed" << std::setw(9) << "skipped"
       << "\n";
  int64_t passed = 0;
  int64_t failed = 0;
  int64_t skipped = 0;
  for (const Section &s : result.sections()) {
    text << std::left << std::setw(16) << s.name << std::setw(9) << outcome_name(s.outcome) << std::right
         << std::setw(9) << std::fixed << std::setprecision(1) << s.seconds << std::setw(8) << s.passed << std::setw(8)
         << s.failed << std::setw(9) << s.skipped << "\n";
    passed += s.passed;
    failed += s.failed;
    skipped += s.skipped;
  }
  text << figures_table(result.figures());
  text << passed << " passed, " << failed << " failed, " << skipped << " skipped\n";
  return text.str();
}

}  // namespace rondo::gpu
