// Reads the environment each time; it is small and tests ask seldom.
// An emulated run is a quick one and more; persistent kernels' own is not quick, as it has a part of the cases only.
#include "environment.h"

#include <cstdlib>
#include <map>
#include <stdexcept>

namespace rondo::test {
namespace {

std::string value_of(const char *name) {
  const char *value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_on(const char *name) {
  const std::string value = value_of(name);
  return !value.empty() && value != "0";
}

}  // namespace

rondo_backend_t backend_under_test() {
  const std::map<std::string, rondo_backend_t> backends{{"", RONDO_BACKEND_AUTO},
                                                        {"auto", RONDO_BACKEND_AUTO},
                                                        {"cpu", RONDO_BACKEND_CPU},
                                                        {"cudnn", RONDO_BACKEND_CUDNN},
                                                        {"fused", RONDO_BACKEND_FUSED}};
  const std::string name = value_of("RONDO_TEST_BACKEND");
  const auto found = backends.find(name);
  if (found == backends.end()) {
    throw std::runtime_error("RONDO_TEST_BACKEND is " + name + ", but auto, cpu, cudnn or fused was expected");
  }
  return found->second;
}

bool persistent_tests() {
  const std::string types = value_of("RONDO_TEST_PERSISTENT");
  if (is_on("RONDO_TEST_PERSISTENT") && types != "16-bit" && types != "f32" && types != "tf32") {
    throw std::runtime_error("RONDO_TEST_PERSISTENT is " + types + ", but 16-bit, f32 or tf32 was expected");
  }
  return is_on("RONDO_TEST_PERSISTENT");
}
bool persistent_f32_tests() { return value_of("RONDO_TEST_PERSISTENT") == "f32" || tf32_tests(); }
bool tf32_tests() { return value_of("RONDO_TEST_PERSISTENT") == "tf32"; }
bool emulated_tests() { return is_on("RONDO_TEST_EMULATED"); }
bool quick_tests() { return is_on("RONDO_TEST_QUICK") || (emulated_tests() && !persistent_tests()); }

}  // namespace rondo::test
