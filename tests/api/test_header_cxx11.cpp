// The public header from C++11: it compiles without a warning, keeps its widths, and its calls link with C linkage.
// What the calls do is the C programs' subject.
#include <rondo/rondo.h>

#include <cstdio>
#include <type_traits>

static_assert(std::is_same<rondo_status_t, int32_t>::value, "enums cross as int32_t");
static_assert(std::is_same<rondo_cell_t, int32_t>::value, "enums cross as int32_t");
static_assert(std::is_pointer<rondo_context_t>::value, "handles are pointers");
static_assert(std::is_standard_layout<rondo_forward_args_t>::value, "C structs");
static_assert(std::is_trivial<rondo_backward_args_t>::value, "C structs");
static_assert(!std::is_same<rondo_context_t, rondo_plan_t>::value, "handles are told apart");

int main() {
  int failed = 0;
  rondo_rnn_t rnn = nullptr;
  failed += rondo_version() == RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100 + RONDO_VERSION_PATCH ? 0 : 1;
  failed += rondo_rnn_create(&rnn) == RONDO_OK ? 0 : 1;
  failed += rondo_rnn_set_int(rnn, RONDO_ATTR_CELL, RONDO_CELL_GRU) == RONDO_OK ? 0 : 1;
  rondo_attribute_info_t info = rondo_attribute_info_t();
  info.struct_size = sizeof info;
  failed += rondo_attribute_info(RONDO_ATTR_CELL, &info) == RONDO_OK ? 0 : 1;
  rondo_rnn_destroy(rnn);
  std::printf("%d passed, %d failed\n", 4 - failed, failed);
  return failed == 0 ? 0 : 1;
}
