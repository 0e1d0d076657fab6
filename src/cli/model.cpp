// Prints predictions of kernels/cuda/tiers.h. The first known GPU is the one whose floors there are.
// A layout's numbers are a block's, but for the groups, of which each holds W_hh for one slice of the batch.
#include "cli/model.h"

#include <cstdio>
#include <optional>

#include "cli/model_floors.h"
#include "cli/model_outlook.h"
#include "cli/words.h"
#include "kernels/cuda/gpu_facts.h"
#include "kernels/cuda/tiers.h"

namespace rondo::cli {
namespace {

using kernels::Storage;
using namespace kernels::cuda;

constexpr double kReached = 0.7;  // of the floor; below, a better tier is wanted
constexpr char kPreface[] =
    "Predictions from published constants and estimates (kernels/cuda/gpu_facts.cpp); no hardware has confirmed "
    "them.\n";

template <class... Values>
std::string print(const char *format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

std::string percent(std::optional<double> floor, double us) {
  return floor ? print("%.0f %%", 100 * *floor / us) : "-";
}

// The floors are of 16 bits and have no projection.
std::optional<double> floor_of(const SequenceProblem &problem) {
  const bool narrow = problem.storage == Storage::f16 || problem.storage == Storage::bf16;
  return narrow && problem.P == 0 ? floor_us(problem.cell, problem.H, problem.N) : std::nullopt;
}

std::string type_text(int64_t dtype, bool tf32) {
  return text_of(words_of(RONDO_ATTR_DTYPE), dtype) + (tf32 ? " by tf32" : "");
}

const char *pass_name(bool backward) { return backward ? "backward" : "forward"; }

SequenceProblem sequence_of(const ModelProblem &problem, bool backward) {
  return {.cell = problem.cell,
          .storage = static_cast<Storage>(problem.dtype),
          .backward = backward,
          .H = problem.H,
          .N = problem.N,
          .directions = problem.bidirectional ? 2 : 1,
          .tf32 = problem.tf32,
          .P = problem.P};
}

std::string layout_text(const SequenceLayout &layout) {
  return print("%u x %u blocks of %u units, %u rows, %u parts of K, %s%u threads, %.1f KiB", layout.groups,
               layout.blocks, layout.units, layout.rows, layout.k_parts,
               layout.held == 0 ? "" : print("up to %u steps each in registers, ", layout.held).c_str(), layout.threads,
               layout.shared_bytes / 1024.0);
}

// A tier of the table: those that are built first.
constexpr int kTiers = kTierRows + kOutlookRows;

std::string tier_name(int tier) {
  return tier < kTierRows ? tier_row(tier).name : outlook_row(tier - kTierRows).name + std::string(" (to come)");
}

struct Prediction {
  std::optional<double> us;
  std::optional<SequenceLayout> layout;  // of a tier that is built
};

Prediction predict(const SequenceProblem &problem, int gpu, int tier) {
  const GpuFacts &facts = gpu_model(gpu).facts;
  if (tier < kTierRows) {
    const auto layout = tier_row(tier).layout(problem, facts);
    return {layout ? std::optional(layout->step_ns / 1e3) : std::nullopt, layout};
  }
  const auto ns = outlook_row(tier - kTierRows).step_ns(problem, facts);
  return {ns ? std::optional(*ns / 1e3) : std::nullopt, std::nullopt};
}

std::string line_of(const ModelProblem &problem, int gpu, int tier, bool backward) {
  const SequenceProblem sequence = sequence_of(problem, backward);
  const Prediction prediction = predict(sequence, gpu, tier);
  const std::string line = print("%-10s %-17s %-9s", gpu_model(gpu).name, tier_name(tier).c_str(), pass_name(backward));
  if (!prediction.us) {
    return line + print(" %9s %9s %9s\n", "-", "-", "-");
  }
  const double us = *prediction.us;
  const bool has_floor = gpu == 0 && !backward && !problem.bidirectional;
  const auto floor = has_floor ? floor_of(sequence) : std::nullopt;
  return line + print(" %9.2f %9.3f %9s", us, us * static_cast<double>(problem.T) / 1e3, percent(floor, us).c_str()) +
         (prediction.layout ? "  " + layout_text(*prediction.layout) : "") + "\n";
}

// One shape of the table: every tier on the first GPU, the best that is built on the others.
struct TableRow {
  SequenceProblem problem;
  std::optional<double> floor;
  std::optional<double> us[kTiers];

  // The first tier that reaches enough of the floor, kTiers where none does.
  int reached_by() const {
    int tier = 0;
    while (tier < kTiers && !(floor && us[tier] && *floor / *us[tier] >= kReached)) {
      ++tier;
    }
    return tier;
  }
};

TableRow row_of(const SequenceProblem &problem) {
  TableRow row{problem, floor_of(problem), {}};
  for (int tier = 0; tier < kTiers; ++tier) {
    row.us[tier] = predict(problem, 0, tier).us;
  }
  return row;
}

std::optional<double> best_of(const SequenceProblem &problem, int gpu) {
  std::optional<double> least;
  for (int tier = 0; tier < kTierRows; ++tier) {
    const auto us = predict(problem, gpu, tier).us;
    least = us && (!least || *us < *least) ? us : least;
  }
  return least;
}

std::string number(std::optional<double> us) { return us ? print("%.2f", *us) : "-"; }

std::string remark(const TableRow &row) {
  const int tier = row.reached_by();
  return !row.floor         ? "no floor"
         : tier < kTierRows ? ""
         : tier < kTiers    ? std::string("awaits ") + outlook_row(tier - kTierRows).name
                            : "NO TIER";
}

std::string text_of_row(const TableRow &row) {
  std::string line =
      print("%-4s %5lld %4lld %6s |", text_of(words_of(RONDO_ATTR_CELL), row.problem.cell).c_str(),
            static_cast<long long>(row.problem.H), static_cast<long long>(row.problem.N), number(row.floor).c_str());
  for (const auto &us : row.us) {
    line += print(" %6s %6s", number(us).c_str(), us ? percent(row.floor, *us).c_str() : "-");
  }
  line += " |";
  for (int gpu = 1; gpu < kGpuModels; ++gpu) {
    line += print(" %8s", number(best_of(row.problem, gpu)).c_str());
  }
  line += " | " + remark(row);
  return line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
}

std::string heading() {
  std::string line = print("%-22s |", "") + print(" %-*s", kTiers * 14 - 1, gpu_model(0).name) + " | built, on\n" +
                     print("%-4s %5s %4s %6s |", "cell", "H", "N", "floor");
  for (int tier = 0; tier < kTiers; ++tier) {
    line += print(" %13s", tier < kTierRows ? tier_row(tier).name : outlook_row(tier - kTierRows).name);
  }
  line += " |";
  for (int gpu = 1; gpu < kGpuModels; ++gpu) {
    line += print(" %8s", gpu_model(gpu).name);
  }
  return line + " |\n";
}

}  // namespace

std::string model_of(const ModelProblem &problem) {
  std::string text =
      print("%s, %s, H %lld, %sN %lld, T %lld, %s\n", text_of(words_of(RONDO_ATTR_CELL), problem.cell).c_str(),
            type_text(problem.dtype, problem.tf32).c_str(), static_cast<long long>(problem.H),
            problem.P == 0 ? "" : print("P %lld, ", static_cast<long long>(problem.P)).c_str(),
            static_cast<long long>(problem.N), static_cast<long long>(problem.T),
            problem.bidirectional ? "two directions" : "one direction");
  text += kPreface;
  text += print("\n%-10s %-17s %-9s %9s %9s %9s  layout\n", "GPU", "tier", "pass", "us/step", "ms", "of floor");
  for (int gpu = 0; gpu < kGpuModels; ++gpu) {
    for (int tier = 0; tier < kTiers; ++tier) {
      text += line_of(problem, gpu, tier, false);
      text += problem.training ? line_of(problem, gpu, tier, true) : "";
    }
  }
  return text;
}

std::string model_table(int64_t dtype, bool tf32) {
  std::string text = print("Microseconds a forward step, %s, one direction, and the fraction of the floor on the %s.\n",
                           type_text(dtype, tf32).c_str(), gpu_model(0).name);
  text += kPreface;
  text += "Tiers named without \"fused\" are to come; a shape awaits one where none that is built reaches 70 %.\n\n";
  text += heading();
  int with_floor = 0;
  int reached[kTiers + 1] = {};
  for (const int64_t cell : {RONDO_CELL_LSTM, RONDO_CELL_GRU}) {
    for (const int64_t H : kModelH) {
      for (const int64_t N : kModelN) {
        const TableRow row = row_of({cell, static_cast<Storage>(dtype), false, H, N, 1, tf32});
        text += text_of_row(row);
        with_floor += row.floor ? 1 : 0;
        reached[row.reached_by()] += 1;
      }
    }
  }
  int built = 0;
  int to_come = 0;
  for (int tier = 0; tier < kTiers; ++tier) {
    (tier < kTierRows ? built : to_come) += reached[tier];
  }
  return text +
         print("\nOf %d shapes with a floor, %d reach 70 %% of it in a tier that is built, %d more in one to come.\n",
               with_floor, built, to_come);
}

}  // namespace rondo::cli
