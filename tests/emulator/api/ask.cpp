// What the library answers on the machine that the environment describes: a process of its own, because devices and
// modules are looked at once. Arguments: attributes as name=value, beside them mode, sequence, T and N; none: back
// ends.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "support/handles.h"

namespace {

using namespace rondo::test;

void print_backends() {
  for (int32_t index = 0; index < rondo_backend_count(); ++index) {
    rondo_backend_info_t info{};
    info.struct_size = sizeof info;
    check(rondo_backend_info(index, &info));
    std::printf("%s is %s: %s\n", info.name, info.available != 0 ? "available" : "not available", info.detail);
  }
}

void set(const Rnn &rnn, rondo_plan_args_t *args, const std::string &name, const char *value) {
  const int64_t number = std::strtoll(value, nullptr, 10);
  if (name == "T") {
    args->max_T = number;
  } else if (name == "N") {
    args->max_N = number;
  } else if (name == "mode") {
    args->mode = static_cast<rondo_mode_t>(number);
  } else if (name == "sequence") {
    args->sequence = static_cast<rondo_sequence_t>(number);
  } else {
    rondo_attribute_t attribute = 0;
    check(rondo_attribute_find(name.c_str(), &attribute));
    check(name == "dropout" ? rondo_rnn_set_float(rnn.get(), attribute, std::strtod(value, nullptr))
                            : rondo_rnn_set_int(rnn.get(), attribute, number));
  }
}

void print_plan(int count, char **arguments) {
  const Rnn rnn = make_rnn();
  rondo_plan_args_t args{};
  args.struct_size = sizeof args;
  args.max_T = args.max_N = 4;
  check(rondo_rnn_set_int(rnn.get(), RONDO_ATTR_INPUT_SIZE, 4));
  check(rondo_rnn_set_int(rnn.get(), RONDO_ATTR_HIDDEN_SIZE, 4));
  for (int k = 0; k < count; ++k) {
    const std::string argument = arguments[k];
    const size_t equals = argument.find('=');
    set(rnn, &args, argument.substr(0, equals), arguments[k] + equals + 1);
  }
  const Plan plan = make_plan(make_context(), rnn, args);
  std::printf("%s\n%s", rondo_plan_backend_name(plan.get()), rondo_plan_explain(plan.get()));
}

void print_modules() {
  std::ifstream maps("/proc/self/maps");
  std::string loaded;
  for (std::string line; std::getline(maps, line);) {
    for (const char *name : {"librondo_cudnn", "librondo_fused"}) {
      if (line.find(name) != std::string::npos && loaded.find(name) == std::string::npos)
        loaded += std::string(" ") + name;
    }
  }
  std::printf("modules:%s\n", loaded.c_str());
}

}  // namespace

int main(int count, char **arguments) {
  try {
    if (count == 1) {
      print_backends();
    } else {
      print_plan(count - 1, arguments + 1);
    }
  } catch (const std::exception &error) {
    std::printf("refused: %s\n", error.what());
  }
  print_modules();
  return 0;
}
