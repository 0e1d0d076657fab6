// `rondo explain`: what a described problem would run on, the memory it takes, and why nothing else was chosen.
// Its options are made from the library's attribute table: a new attribute is an option without a change here.
#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <stdexcept>

#include "cli/command.h"
#include "cli/handles.h"
#include "cli/model.h"
#include "cli/words.h"

namespace rondo::cli {
namespace {

// One attribute as an option: a word of a list, a switch, a whole number or a real one.
struct AttributeOption {
  rondo_attribute_t id = 0;
  rondo_attribute_info_t info{};
  std::vector<Word> words;
  CLI::Option *option = nullptr;
  std::string word;
  int64_t integer = 0;
  double real = 0;
};

struct Options {
  std::deque<AttributeOption> attributes;  // CLI11 keeps addresses of members
  std::string mode = "inference";
  std::string sequence = "full";
  int64_t threads = 0, T = 100, N = 1, S = 0;
  bool model = false;
};

std::string option_name(const std::string &attribute) {
  std::string name = attribute;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

void add_attribute(CLI::App &app, AttributeOption &attribute) {
  const rondo_attribute_info_t &info = attribute.info;
  const std::string name = option_name(info.name);
  if (!attribute.words.empty()) {
    attribute.word = text_of(attribute.words, static_cast<int64_t>(info.default_value));
    attribute.option = app.add_option("--" + name, attribute.word)->check(CLI::IsMember(texts(attribute.words)));
    attribute.option->default_str(attribute.word);
  } else if (info.is_float != 0) {
    attribute.option = app.add_option("--" + name, attribute.real);
  } else if (info.min_value == 0 && info.max_value == 1) {
    attribute.integer = info.default_value == 0 ? 1 : 0;
    attribute.option = app.add_flag((info.default_value == 0 ? "--" : "--no-") + name);
  } else {
    attribute.option = app.add_option("--" + name, attribute.integer);
    // A default outside the bounds says that the attribute must be set.
    attribute.option->required(info.default_value < info.min_value);
  }
  attribute.option->group("Network");
}

void add_attributes(CLI::App &app, Options &options) {
  for (rondo_attribute_t id = 1; id <= rondo_attribute_count(); ++id) {
    AttributeOption &attribute = options.attributes.emplace_back();
    attribute.id = id;
    attribute.info.struct_size = sizeof attribute.info;
    check(rondo_attribute_info(id, &attribute.info));
    attribute.words = words_of(id);
    add_attribute(app, attribute);
  }
}

// A value out of an attribute's bounds is wrong usage; what the combination lacks is the plan's to say.
void set(rondo_rnn_t rnn, const AttributeOption &attribute) {
  const int64_t integer = attribute.words.empty() ? attribute.integer : value_of(attribute.words, attribute.word);
  const rondo_status_t status = attribute.info.is_float != 0 ? rondo_rnn_set_float(rnn, attribute.id, attribute.real)
                                                             : rondo_rnn_set_int(rnn, attribute.id, integer);
  if (status == RONDO_ERROR_INVALID_ARGUMENT) {
    throw UsageError(rondo_last_error());
  }
  check(status);
}

void print_warning(void *, int32_t level, const char *text) {
  if (level > 0) {
    std::fprintf(stderr, "rondo: warning: %s\n", text);
  }
}

std::string bytes_text(int64_t bytes) {
  const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(bytes);
  size_t unit = 0;
  while (size >= 1024 && unit + 1 < std::size(units)) {
    size /= 1024;
    ++unit;
  }
  char text[64];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
  return unit == 0 ? text : std::string(text) + " (" + std::to_string(bytes) + " bytes)";
}

void print_plan(rondo_plan_t plan) {
  rondo_device_t device = RONDO_DEVICE_AUTO;
  int64_t workspace = 0;
  int64_t reserve = 0;
  int64_t packed = 0;
  check(rondo_plan_device(plan, &device));
  check(rondo_plan_workspace_size(plan, &workspace));
  check(rondo_plan_reserve_size(plan, &reserve));
  check(rondo_plan_packed_size(plan, &packed));
  std::printf("back end:          %s\n", rondo_plan_backend_name(plan));
  std::printf("device:            %s\n", text_of(words_of(RONDO_ATTR_DEVICE), device).c_str());
  std::printf("workspace:         %s\n", bytes_text(workspace).c_str());
  std::printf("reserve:           %s\n", bytes_text(reserve).c_str());
  std::printf("packed parameters: %s\n", bytes_text(packed).c_str());
  const std::string explanation = rondo_plan_explain(plan);
  std::printf("\n%s%s", explanation.c_str(), explanation.empty() || explanation.back() == '\n' ? "" : "\n");
}

Rnn described_rnn(const Options &options) {
  Rnn rnn = make_rnn();
  for (const AttributeOption &attribute : options.attributes) {
    if (attribute.option->count() > 0) {
      set(rnn.get(), attribute);
    }
  }
  return rnn;
}

bool is_given(const Options &options, rondo_attribute_t id) {
  return options.attributes[static_cast<size_t>(id - 1)].option->count() > 0;
}

int64_t integer_of(rondo_rnn_t rnn, rondo_attribute_t id) {
  int64_t value = 0;
  check(rondo_rnn_get_int(rnn, id, &value));
  return value;
}

// Of a problem, or of the shapes with a floor where none is described. 16-bit unless another type is asked for: the
// floors are of those.
int explain_model(const Options &options) {
  const Rnn rnn = described_rnn(options);
  ModelProblem problem{};
  problem.dtype = RONDO_F16;
  if (is_given(options, RONDO_ATTR_DTYPE)) {
    problem.dtype = integer_of(rnn.get(), RONDO_ATTR_DTYPE);
  }
  problem.tf32 = problem.dtype == RONDO_F32 && integer_of(rnn.get(), RONDO_ATTR_ALLOW_TF32) != 0;
  if (!is_given(options, RONDO_ATTR_HIDDEN_SIZE)) {
    std::printf("%s", model_table(problem.dtype, problem.tf32).c_str());
    return exit_ok;
  }
  if (options.N < 1 || options.T < 1) {
    throw UsageError("--model needs an N and a T of at least 1");
  }
  // A network that cannot be is refused here; of its input a step shows nothing.
  check(rondo_rnn_set_int(rnn.get(), RONDO_ATTR_INPUT_SIZE, 1));
  int64_t params = 0;
  check(rondo_rnn_param_count(rnn.get(), &params));
  problem.cell = integer_of(rnn.get(), RONDO_ATTR_CELL);
  problem.H = integer_of(rnn.get(), RONDO_ATTR_HIDDEN_SIZE);
  problem.P = integer_of(rnn.get(), RONDO_ATTR_PROJ_SIZE);
  problem.N = options.N;
  problem.T = options.T;
  problem.bidirectional = integer_of(rnn.get(), RONDO_ATTR_BIDIRECTIONAL) != 0;
  problem.training = value_of(mode_words(), options.mode) == RONDO_TRAINING;
  std::printf("%s", model_of(problem).c_str());
  return exit_ok;
}

int explain(const Options &options) {
  const Context context = make_context(options.threads);
  check(rondo_context_set_log(context.get(), print_warning, nullptr));
  const Rnn rnn = described_rnn(options);
  rondo_plan_args_t args{};
  args.struct_size = sizeof args;
  args.mode = static_cast<rondo_mode_t>(value_of(mode_words(), options.mode));
  args.sequence = static_cast<rondo_sequence_t>(value_of(sequence_words(), options.sequence));
  args.max_T = options.T;
  args.max_N = options.N;
  args.max_S = options.S;
  print_plan(make_plan(context.get(), rnn.get(), args).get());
  return exit_ok;
}

}  // namespace

Command make_explain_command(CLI::App &root) {
  CLI::App *app = root.add_subcommand("explain", "What a described problem would run on, and why nothing else");
  const auto options = std::make_shared<Options>();
  add_attributes(*app, *options);
  const auto problem = [](CLI::Option *option) { option->capture_default_str()->group("Problem"); };
  problem(app->add_option("--mode", options->mode, "What the plan is for")->check(CLI::IsMember(texts(mode_words()))));
  problem(app->add_option("--sequence", options->sequence, "How calls give their sequences")
              ->check(CLI::IsMember(texts(sequence_words()))));
  problem(app->add_option("-T,--T", options->T, "Largest number of time steps"));
  problem(app->add_option("-N,--N", options->N, "Largest batch"));
  problem(app->add_option("-S,--S", options->S, "Largest sum of lengths, 0 = T*N"));
  problem(app->add_option("--threads", options->threads, "CPU threads, 0 = the default")->check(CLI::Range(0, 1024)));
  // A model needs no whole network; this runs before CLI11 looks for what is required.
  app->add_flag_callback(
         "--model",
         [options] {
           options->model = true;
           for (AttributeOption &attribute : options->attributes) {
             attribute.option->required(false);
           }
         },
         "Predicted step times of the persistent kernels on known GPUs; of a table of shapes without --hidden-size")
      ->group("Problem");
  app->footer(
      "Example: rondo explain --cell gru --input-size 128 --hidden-size 512 --mode training -T 100 -N 32\n"
      "A problem that the library refuses prints its reason and exits 1.");
  return {app, [options] { return options->model ? explain_model(*options) : explain(*options); }};
}

}  // namespace rondo::cli
