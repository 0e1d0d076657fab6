// The result file of run-gpu-tests: what ran, on what, with which outcome. Kept under tests/gpu_results/.
// It is written after every section, so that what was done survives whatever ends the run.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rondo::gpu {

enum class Outcome { passed, failed, skipped };
std::string outcome_name(Outcome outcome);

struct Section {
  std::string name;
  Outcome outcome = Outcome::failed;
  double seconds = 0;
  int64_t passed = 0, failed = 0, skipped = 0;
  bool quick = false;
  std::string text;  // what a reader needs to know: the reason, or the end of the output
};

// The machine and the build that a file speaks of; files of two may not be mixed.
struct Origin {
  std::string commit, date, gpu, driver, cuda, cudnn;
  int64_t capability = 0;
  nlohmann::json hashes = nlohmann::json::object();  // of the kernels' sources, by variant

  bool equals(const Origin &other) const;
};

class ResultFile {
 public:
  // Takes in what an existing file holds; throws where it is of another build or machine.
  ResultFile(const std::string &path, const Origin &origin);

  const Section *find(const std::string &name) const;
  const std::vector<Section> &sections() const { return sections_; }
  const nlohmann::json &figures() const { return figures_; }
  // Replaces a section of the same name, and saves.
  void put(const Section &section);
  void put_figures(const nlohmann::json &figures);

 private:
  void load(const nlohmann::json &document);
  void save() const;

  std::string path_;
  Origin origin_;
  std::vector<Section> sections_;
  nlohmann::json figures_ = nlohmann::json::array();
};

// The short table that ends a run.
std::string table(const ResultFile &result);

}  // namespace rondo::gpu
