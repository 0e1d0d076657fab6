// Formats results. JSON has no infinity: an error that is not finite is written as null.
// JUnit: one suite, one testcase a case, classname "rondo.<back end>".
#include "cli/verify_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/words.h"

namespace rondo::cli {
namespace {

const char *verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed:
      return "passed";
    case Verdict::failed:
      return "failed";
    case Verdict::skipped:
      return "skipped";
  }
  return "unknown";
}

std::string dtype_text(rondo_dtype_t dtype) { return text_of(words_of(RONDO_ATTR_DTYPE), dtype); }

std::string escaped(const std::string &text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      // Control characters other than white space cannot stand in XML at all.
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", seconds);
  return text;
}

double total_seconds(const std::vector<CaseResult> &results) {
  double total = 0;
  for (const CaseResult &result : results) {
    total += result.seconds;
  }
  return total;
}

nlohmann::ordered_json number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

struct Worst {
  double error = 0;
  double part = 0;  // of its bound
  std::string name;

  void take(const Figure &figure, const std::string &case_name) {
    const double part_of_bound = figure.error / figure.bound;
    error = std::max(error, figure.error);
    if (name.empty() || part_of_bound > part) {
      part = part_of_bound;
      name = case_name + " " + figure.tensor;
    }
  }
};

}  // namespace

Counts count(const std::vector<CaseResult> &results) {
  Counts counts;
  for (const CaseResult &result : results) {
    (result.verdict == Verdict::passed   ? counts.passed
     : result.verdict == Verdict::failed ? counts.failed
                                         : counts.skipped)++;
  }
  return counts;
}

std::string worst_figures(const std::vector<CaseResult> &results) {
  std::map<std::pair<rondo_dtype_t, bool>, Worst> worst;
  for (const CaseResult &result : results) {
    for (const Figure &figure : result.figures) {
      worst[{result.dtype, figure.is_gradient}].take(figure, result.name);
    }
  }
  std::string text;
  for (const auto &[key, value] : worst) {
    char line[320];
    std::snprintf(line, sizeof line, "%-5s %-9s largest error %.1e; closest to its bound: %.0f %% in %.160s\n",
                  dtype_text(key.first).c_str(), key.second ? "gradients" : "forward", value.error, value.part * 100,
                  value.name.c_str());
    text += line;
  }
  return text;
}

std::string junit_document(const std::vector<CaseResult> &results) {
  const Counts counts = count(results);
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"rondo verify\" tests=\"" +
      std::to_string(results.size()) + "\" failures=\"" + std::to_string(counts.failed) + "\" errors=\"0\" skipped=\"" +
      std::to_string(counts.skipped) + "\" time=\"" + seconds_text(total_seconds(results)) + "\">\n";
  for (const CaseResult &result : results) {
    const std::string backend = result.backend.empty() ? "none" : result.backend;
    xml += "<testcase classname=\"rondo." + escaped(backend) + "\" name=\"" + escaped(result.name) + "\" time=\"" +
           seconds_text(result.seconds) + "\"";
    if (result.verdict == Verdict::passed) {
      xml += "/>\n";
    } else {
      const char *tag = result.verdict == Verdict::failed ? "failure" : "skipped";
      xml += std::string("><") + tag + " message=\"" + escaped(result.message) + "\"/></testcase>\n";
    }
  }
  return xml + "</testsuite>\n</testsuites>\n";
}

std::string json_document(const std::vector<CaseResult> &results, const VerifyOptions &options) {
  const Counts counts = count(results);
  nlohmann::ordered_json document;
  document["rondo"] = rondo_version_string();
  document["backend"] = text_of(words_of(RONDO_ATTR_BACKEND), options.backend);
  document["seed"] = options.seed;
  document["passed"] = counts.passed;
  document["failed"] = counts.failed;
  document["skipped"] = counts.skipped;
  document["seconds"] = total_seconds(results);
  document["cases"] = nlohmann::ordered_json::array();
  for (const CaseResult &result : results) {
    nlohmann::ordered_json one;
    one["name"] = result.name;
    one["verdict"] = verdict_text(result.verdict);
    one["backend"] = result.backend;
    one["seconds"] = result.seconds;
    one["draws"] = result.draws;
    if (!result.message.empty()) {
      one["message"] = result.message;
    }
    one["tensors"] = nlohmann::ordered_json::array();
    for (const Figure &figure : result.figures) {
      one["tensors"].push_back({{"name", figure.tensor},
                                {"error", number(figure.error)},
                                {"bound", figure.bound},
                                {"worst_element", figure.element},
                                {"actual", number(figure.actual)},
                                {"expected", number(figure.expected)}});
    }
    document["cases"].push_back(std::move(one));
  }
  // Texts of a driver may hold bytes that are no UTF-8; they are replaced, not refused.
  return document.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace rondo::cli
