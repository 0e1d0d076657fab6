// rondo.hpp from C++17: handles move, views check what they are made of, calls check types and sizes of views before
// the library sees a pointer, and every failure of the library becomes an exception with its status and text.
#include <rondo/rondo.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "check.h"

namespace {

static_assert(!std::is_copy_constructible_v<rondo::context> && std::is_nothrow_move_constructible_v<rondo::context>);
static_assert(!std::is_copy_assignable_v<rondo::rnn> && std::is_nothrow_move_assignable_v<rondo::rnn>);
static_assert(!std::is_copy_constructible_v<rondo::plan> && std::is_move_constructible_v<rondo::plan>);
static_assert(std::is_base_of_v<std::runtime_error, rondo::error>);
static_assert(std::is_convertible_v<rondo::view<float>, rondo::view<const float>>);
static_assert(!std::is_convertible_v<rondo::view<const float>, rondo::view<float>>);
static_assert(!std::is_convertible_v<rondo::view<double>, rondo::view<const float>>);
static_assert(std::is_convertible_v<std::vector<float> &, rondo::view<float>>);
static_assert(!std::is_convertible_v<const std::vector<float> &, rondo::view<float>>);
static_assert(!std::is_convertible_v<std::vector<float>, rondo::view<const float>>, "it would outlive the vector");
static_assert(std::is_convertible_v<rondo::parameters<float>, rondo::parameters<const float>>);
static_assert(!std::is_convertible_v<rondo::parameters<const float>, rondo::parameters<float>>);

struct alignas(64) Block {
  std::byte bytes[64];
};
std::vector<Block> blocks(std::int64_t bytes) { return std::vector<Block>(static_cast<std::size_t>(bytes + 63) / 64); }

// The work throws that status, with all the fragments (parted by '|') in its text.
template <class Work>
void refused(rondo_status_t status, const char *fragments, const Work &work, int line) {
  char missing[128];
  try {
    work();
    check_that(0, fragments, __FILE__, line);
    std::printf("  nothing was thrown\n");
  } catch (const rondo::error &error) {
    const bool fine = error.status() == status && check_has_all(error.what(), fragments, missing, sizeof missing) == 1;
    if (check_that(fine ? 1 : 0, fragments, __FILE__, line) == 0) {
      std::printf("  it said %s: %s\n", rondo_status_name(error.status()), error.what());
    }
  }
}
#define REFUSED(status, fragments, ...) refused((status), (fragments), [&] { __VA_ARGS__; }, __LINE__)
#define WRONG(fragments, ...) REFUSED(RONDO_ERROR_INVALID_ARGUMENT, fragments, __VA_ARGS__)

constexpr int T = 5, N = 2, I = 3, H = 4, L = 2;

// An LSTM of two layers in training, with every array of its calls.
struct Lstm {
  rondo::context context;
  rondo::rnn rnn;
  rondo::plan plan;
  std::vector<double> x = std::vector<double>(T * N * I), h0 = std::vector<double>(L * N * H), c0 = h0;
  std::vector<double> y = std::vector<double>(T * N * H), hn = h0, cn = h0;
  std::vector<double> dy = std::vector<double>(y.size()), dx = std::vector<double>(x.size()), dh0 = h0, dc0 = h0;
  std::vector<double> flat, dflat;
  std::vector<Block> workspace, reserve;
  rondo::forward_call<double> forward;
  rondo::backward_call<double> backward;

  static rondo::rnn described() {
    rondo::rnn made;
    made.set(RONDO_ATTR_CELL, RONDO_CELL_LSTM).set(RONDO_ATTR_INPUT_SIZE, I).set(RONDO_ATTR_HIDDEN_SIZE, H);
    made.set(RONDO_ATTR_NUM_LAYERS, L).set(RONDO_ATTR_DTYPE, RONDO_F64).set(RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU);
    return made;
  }

  Lstm() : rnn(described()), plan(context, rnn, rondo::problem(RONDO_TRAINING, RONDO_SEQUENCE_FULL, T, N)) {
    flat.resize(static_cast<std::size_t>(rnn.flat_size()));
    dflat.resize(flat.size());
    workspace = blocks(plan.workspace_size());
    reserve = blocks(plan.reserve_size());
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = std::sin(static_cast<double>(k));
    for (double &each : dy) each = 1;
    const auto params = rnn.split(rondo::view<double>(flat));
    rnn.init_params(7, params);
    set(forward);
    forward.params = params;
    forward.y = y, forward.hn = hn, forward.cn = cn;
    set(backward);
    backward.params = params;
    backward.y = y, backward.dy = dy, backward.dx = dx, backward.dh0 = dh0, backward.dc0 = dc0;
    backward.dparams = rnn.split(rondo::view<double>(dflat));
  }

  void set(rondo::call<double, double> &call) {
    call.T = T, call.N = N;
    call.x = x, call.h0 = h0, call.c0 = c0;
    call.workspace = rondo::bytes_of(workspace);
    call.reserve = rondo::bytes_of(reserve);
  }

  double sum() {
    double total = 0;
    plan.forward(forward);
    for (const double each : y) total += each;
    return total;
  }
};

void test_views() {
  std::vector<float> vector = {1, 2, 3};
  const std::array<float, 2> array = {4, 5};
  float plain[] = {6, 7, 8, 9};
  const rondo::view<float> of_vector = vector, of_plain = plain;
  const rondo::view<const float> of_array = array, read = of_vector;
  CHECK(of_vector.size() == 3 && of_vector.data() == vector.data() && read.data() == vector.data());
  CHECK(of_array.size() == 2 && of_array[1] == 5 && of_plain.size() == 4);
  CHECK(of_plain.part(1, 2).size() == 2 && of_plain.part(1, 2)[0] == 7 && of_plain.part(4, 0).empty());
  CHECK(rondo::view<float>().data() == nullptr && rondo::bytes_of(plain).size() == 16);
  float total = 0;
  for (const float each : of_plain) total += each;
  CHECK(total == 30);
  WRONG("part is 2 elements from 3|part of 4", (void)of_plain.part(3, 2));
  WRONG("part is -1", (void)of_plain.part(0, -1));
  WRONG("from -1", (void)of_plain.part(-1, 1));
  WRONG("from 1", (void)of_plain.part(1, INT64_MAX));
  WRONG("size is -1|0 or more", (void)rondo::view<float>(plain, -1));
  WRONG("size is 4|null", (void)rondo::view<float>(nullptr, 4));
}

void test_handles() {
  rondo::context context;
  context.set_threads(2);
  CHECK(context.threads() == 2);
  const rondo_context_t raw = context.get();
  rondo::context moved = std::move(context);
  CHECK(moved.get() == raw && context.get() == nullptr);
  WRONG("context is NULL", (void)context.threads());
  context = std::move(moved);
  CHECK(context.threads() == 2);
  WRONG("threads is 5000|1024", context.set_threads(5000));
  rondo::rnn rnn;
  rnn.set(RONDO_ATTR_DROPOUT, 0.25).set(RONDO_ATTR_BIAS, false);
  CHECK(rnn.get_float(RONDO_ATTR_DROPOUT) == 0.25 && rnn.get_int(RONDO_ATTR_BIAS) == 0);
  WRONG("hidden_size is 0", rnn.set(RONDO_ATTR_HIDDEN_SIZE, 0));
  WRONG("input_size", (void)rnn.flat_size());
  WRONG("input_size", rondo::plan(context, rnn, rondo::problem(RONDO_INFERENCE, RONDO_SEQUENCE_FULL, 1, 1)));
  WRONG("max_T is -1",
        rondo::plan(context, Lstm::described(), rondo::problem(RONDO_INFERENCE, RONDO_SEQUENCE_FULL, -1, 1)));
  REFUSED(RONDO_ERROR_UNSUPPORTED, "cuda", {
    rondo::rnn cuda = Lstm::described();
    cuda.set(RONDO_ATTR_DEVICE, RONDO_DEVICE_CUDA).set(RONDO_ATTR_BACKEND, RONDO_BACKEND_CPU);
    rondo::plan(context, cuda, rondo::problem(RONDO_INFERENCE, RONDO_SEQUENCE_FULL, 1, 1));
  });
}

void test_numbers() {
  Lstm lstm;
  CHECK(lstm.rnn.param_count() == 8 && lstm.rnn.param_info(4).name == std::string("weight_ih_l1"));
  CHECK(lstm.plan.device() == RONDO_DEVICE_CPU && std::string(lstm.plan.backend_name()) == "cpu");
  lstm.sum();
  lstm.plan.backward(lstm.backward);
  const double step = 1e-6;
  for (double *each : {&lstm.x[4], &lstm.h0[3], &lstm.c0[9], &lstm.flat[10]}) {
    const double before = *each;
    *each = before + step;
    const double above = lstm.sum();
    *each = before - step;
    const double slope = (above - lstm.sum()) / (2 * step);
    *each = before;
    const double got = each == &lstm.x[4]    ? lstm.dx[4]
                       : each == &lstm.h0[3] ? lstm.dh0[3]
                       : each == &lstm.c0[9] ? lstm.dc0[9]
                                             : lstm.dflat[10];
    CHECK(std::fabs(got - slope) < 1e-7 && slope != 0);
  }
  const std::vector<double> once = lstm.dflat;
  lstm.sum();
  lstm.backward.accumulate = true;
  lstm.plan.backward(lstm.backward);
  CHECK(lstm.dflat[10] == 2 * once[10]);

  // Packed parameters give the same bytes, in a plan that was moved.
  rondo::plan source(lstm.context, lstm.rnn, rondo::problem(RONDO_INFERENCE, RONDO_SEQUENCE_LENGTHS, T, N));
  const rondo::plan plan = std::move(source);
  std::vector<Block> packed = blocks(plan.packed_size()), workspace = blocks(plan.workspace_size());
  plan.pack_params(lstm.forward.params, rondo::bytes_of(packed));
  CHECK(plan.packed_format() != 0);
  const std::int32_t lengths[] = {T, T};
  rondo::forward_call<double> call = lstm.forward;
  const std::vector<double> expected = lstm.y;
  std::fill(lstm.y.begin(), lstm.y.end(), 0.0);
  call.params = {};
  call.packed_params = rondo::bytes_of(packed);
  call.workspace = rondo::bytes_of(workspace);
  call.reserve = {};
  call.lengths32 = lengths;
  plan.forward(call);
  CHECK(lstm.y == expected);
  call.packed_params = rondo::view<const std::byte>(rondo::bytes_of(packed)).part(0, 64);
  WRONG("packed_params has 64 bytes", plan.forward(call));
}

void test_sizes() {
  Lstm lstm;
  const rondo::forward_call<double> fine = lstm.forward;
  std::vector<double> other(7), none;
  none.reserve(9);
#define FORWARD(text, ...)                \
  do {                                    \
    auto &call = lstm.forward;            \
    __VA_ARGS__;                          \
    WRONG(text, lstm.plan.forward(call)); \
    lstm.forward = fine;                  \
  } while (0)
  FORWARD("x has 7 elements|expected 30|10 rows of 3", call.x = other);
  FORWARD("x has 0 elements|expected 30", call.x = none);
  FORWARD("x is NULL", call.x = {});
  FORWARD("y has 7 elements|expected 40", call.y = other);
  FORWARD("h0 has 7 elements|expected 16|4 rows of 4", call.h0 = other);
  FORWARD("c0 has 7", call.c0 = other);
  FORWARD("hn has 7", call.hn = other);
  FORWARD("cn has 7", call.cn = other);
  FORWARD("x has 30 elements|expected 36", call.T = 6);
  FORWARD("T is -1", call.T = -1);
  FORWARD("N is -9223372036854775808", call.N = INT64_MIN);
  FORWARD("x has 30 elements|expected 9223372036854775807", call.T = INT64_MAX);
  FORWARD("S is 1", call.S = 1);
  const std::int64_t lengths[] = {1, 2, 3};
  FORWARD("lengths has 3 elements|expected 2", call.lengths = lengths);
  FORWARD("batch_sizes has 3 elements|expected 5", call.batch_sizes = lengths);
  FORWARD("lengths is 0x|expected NULL", call.lengths = rondo::view<const std::int64_t>(lengths).part(0, 2));
  FORWARD("workspace_size is 64", call.workspace = call.workspace.part(0, 64));
  FORWARD("params is NULL|expected 8", call.params = {});
  std::vector<rondo::view<const double>> views = fine.params.views();
  views[3] = other;
  FORWARD("params[3] has 7 elements|expected 16", call.params = rondo::parameters<const double>(views));
  views[3] = none;
  FORWARD("params[3]|is NULL", call.params = rondo::parameters<const double>(views));

  std::vector<rondo::view<double>> gradients = lstm.backward.dparams.views();
  gradients[0] = {};
  gradients[1] = {};
  lstm.backward.dparams = rondo::parameters<double>(gradients);
  lstm.sum();
  lstm.plan.backward(lstm.backward);
  CHECK(lstm.dflat[0] == 0 && lstm.dflat.back() != 0);
  gradients.pop_back();
  lstm.backward.dparams = rondo::parameters<double>(gradients);
  WRONG("dparams has 7 arrays|expected 8", lstm.plan.backward(lstm.backward));
  lstm.backward.dparams = {};
  lstm.backward.dy = other;
  WRONG("dy has 7", lstm.plan.backward(lstm.backward));
  WRONG("flat has 7", (void)lstm.rnn.split(rondo::view<double>(other)));
}

void test_types() {
  Lstm lstm;
  std::vector<float> x(T * N * I);
  rondo::forward_call<float> single;
  single.T = T, single.N = N;
  single.x = x;
  WRONG("x is f32|expected f64", lstm.plan.forward(single));
  std::vector<float> flat(lstm.flat.size());
  WRONG("params is f32|expected f64", lstm.rnn.init_params(1, lstm.rnn.split(rondo::view<float>(flat))));

  rondo::rnn half = Lstm::described();
  half.set(RONDO_ATTR_DTYPE, RONDO_BF16).set(RONDO_ATTR_CELL_STATE_TYPE, RONDO_AS_F32);
  const rondo::plan plan(lstm.context, half, rondo::problem(RONDO_INFERENCE, RONDO_SEQUENCE_FULL, T, N));
  std::vector<rondo::bf16> values(T * N * I), params(static_cast<std::size_t>(half.flat_size())), wide(L * N * H);
  std::vector<float> cn(L * N * H, 9.0f);
  std::vector<Block> workspace = blocks(plan.workspace_size());
  rondo::forward_call<rondo::bf16, float> call;
  call.T = T, call.N = N;
  call.x = values;
  call.params = half.split(rondo::view<rondo::bf16>(params));
  call.workspace = rondo::bytes_of(workspace);
  call.cn = cn;
  plan.forward(call);
  CHECK(cn[0] == 0); /* all parameters are zero */
  rondo::forward_call<rondo::bf16> narrow;
  narrow.T = T, narrow.N = N;
  narrow.x = values;
  narrow.cn = wide;
  WRONG("cn is bf16|expected f32", plan.forward(narrow));
}

void test_packed_sequence() {
  Lstm lstm;
  const rondo::plan plan(lstm.context, lstm.rnn, rondo::problem(RONDO_INFERENCE, RONDO_SEQUENCE_PACKED, T, N, 8));
  const std::int64_t batch_sizes[T] = {2, 2, 2, 1, 1};
  std::vector<double> x(8 * I, 1.0), y(8 * H);
  std::vector<Block> workspace = blocks(plan.workspace_size());
  rondo::forward_call<double> call;
  call.T = T, call.N = N, call.S = 8;
  call.batch_sizes = batch_sizes;
  call.x = x, call.y = y;
  call.params = lstm.forward.params;
  call.workspace = rondo::bytes_of(workspace);
  plan.forward(call);
  CHECK(y[0] == y[H] && y[7 * H] != 0);
  call.S = 7;
  WRONG("x has 24 elements|expected 21|7 rows of 3", plan.forward(call));
  call.S = 8;
  call.y = lstm.y;
  WRONG("y has 40 elements|expected 32|8 rows of 4", plan.forward(call));
}

}  // namespace

int main() {
  test_views();
  test_handles();
  test_numbers();
  test_sizes();
  test_types();
  test_packed_sequence();
  return check_summary();
}
