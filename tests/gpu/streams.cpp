// Two plans on two streams, their calls issued in turns with no wait between, against each alone.
// Pairs of equal plans are the ones that would meet in memory or handles which should be each one's own.
#include "streams.h"

#include <stdexcept>
#include <utility>

namespace rondo::gpu {
namespace {

// Calls of each before the wait: enough that both streams have work at once.
constexpr int rounds = 4;

struct Lane {
  Lane(const rondo::test::Context &context, const Shape &shape, const RunChoice &choice)
      : run(context, shape, choice), stream(run.device()) {
    run.fill(stream);
  }
  std::vector<unsigned char> alone() {
    run.poison(stream);
    run.call(stream);
    stream.synchronize();
    return run.outputs(stream);
  }
  void backward() {
    if (run.shape().is_training()) run.backward(stream);
  }

  DeviceRun run;
  Stream stream;
};

void check_pair(Lane &a, Lane &b) {
  for (const int64_t variant : {0, 1, 2}) {
    a.run.refill(variant, a.stream);
    b.run.refill(variant + 1, b.stream);
    const std::vector<unsigned char> a_alone = a.alone();
    const std::vector<unsigned char> b_alone = b.alone();
    a.run.poison(a.stream);
    b.run.poison(b.stream);
    for (int round = 0; round < rounds; ++round) {
      a.run.forward(a.stream);
      b.run.forward(b.stream);
      a.backward();
      b.backward();
    }
    a.stream.synchronize();
    b.stream.synchronize();
    if (a.run.outputs(a.stream) != a_alone || b.run.outputs(b.stream) != b_alone) {
      throw std::runtime_error(a.run.shape().name() + " and " + b.run.shape().name() +
                               " on two streams at once give other bytes than each alone");
    }
  }
}

}  // namespace

int64_t check_streams(RunChoice choice) {
  choice.deterministic = true;
  const rondo_dtype_t other = choice.tier.empty() ? RONDO_F32 : RONDO_BF16;
  const Shape lstm{RONDO_CELL_LSTM, RONDO_F16, RONDO_TRAINING, RONDO_SEQUENCE_PACKED, 40, 9, 24, 72, 2, 2};
  const Shape gru{RONDO_CELL_GRU, other, RONDO_TRAINING, RONDO_SEQUENCE_LENGTHS, 30, 6, 40, 56, 2, 1};
  Shape inference = gru;
  inference.mode = RONDO_INFERENCE;
  const std::pair<Shape, Shape> pairs[] = {{lstm, lstm}, {lstm, gru}, {gru, gru}, {inference, lstm}};
  const rondo::test::Context context = rondo::test::make_context();
  int64_t passed = 0;
  for (const auto &[first, second] : pairs) {
    Lane a(context, first, choice);
    Lane b(context, second, choice);
    check_pair(a, b);
    ++passed;
  }
  return passed;
}

}  // namespace rondo::gpu
