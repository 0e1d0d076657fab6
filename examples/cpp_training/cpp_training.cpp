// Training with rondo.hpp: a GRU learns the adding problem. Each row is 12 steps of a number and a mark; two steps are
// marked, and the answer is the sum of their numbers, so that what comes early must be remembered to the end. usage:
// cpp_training [HIDDEN_SIZE]
#include <algorithm>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <rondo/rondo.hpp>

namespace {

constexpr int T = 12, N = 64, I = 2, steps = 500;  // time steps, rows, input size; steps of training

struct alignas(64) Block {  // workspace and reserve lie on 64 bytes
  std::byte bytes[64];
};
std::vector<Block> blocks(std::int64_t bytes) { return std::vector<Block>(static_cast<std::size_t>(bytes + 63) / 64); }

struct Data {
  std::vector<float> x = std::vector<float>(T * N * I), sums = std::vector<float>(N);  // x [T, N, I]
  void draw(std::mt19937 &random) {
    const auto number = [&] { return static_cast<float>(random() >> 8) / static_cast<float>(1 << 24); };
    for (int n = 0; n < N; ++n) {
      const unsigned first = random() % (T / 2), second = T / 2 + random() % (T / 2);
      sums[n] = 0;
      for (unsigned t = 0; t < T; ++t) {
        float *step = &x[(t * N + n) * I];
        step[0] = number();
        step[1] = t == first || t == second ? 1.0f : 0.0f;
        sums[n] += step[0] * step[1];
      }
    }
  }
};

// All that is learned in one buffer: the GRU's parameters, then a row of weights from its last state to the answer.
struct Adam {
  std::vector<float> values, gradients, mean, square;
  explicit Adam(std::size_t size) : values(size), gradients(size), mean(size), square(size) {}
  void update(float rate) {  // without the correction of the first steps
    for (std::size_t k = 0; k < values.size(); ++k) {
      mean[k] += 0.1f * (gradients[k] - mean[k]);
      square[k] += 0.001f * (gradients[k] * gradients[k] - square[k]);
      values[k] -= rate * mean[k] / (std::sqrt(square[k]) + 1e-8f);
    }
  }
};

// The mean squared error of one batch's answers, with the gradients of hn [N, H] and of the row of weights.
double error_of(const Data &data, rondo::view<const float> hn, rondo::view<const float> weights, rondo::view<float> dhn,
                rondo::view<float> dweights) {
  const auto H = weights.size();
  double total = 0;
  std::fill(dweights.begin(), dweights.end(), 0.0f);
  for (int n = 0; n < N; ++n) {
    float miss = -data.sums[n];
    for (int k = 0; k < H; ++k) miss += weights[k] * hn[n * H + k];
    for (int k = 0; k < H; ++k) {
      dhn[n * H + k] = 2 * miss * weights[k] / N;
      dweights[k] += 2 * miss * hn[n * H + k] / N;
    }
    total += miss * miss / N;
  }
  return total;
}

}  // namespace

int main(int argc, char **argv) try {
  const auto H = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 24UL;
  const rondo::context context;
  rondo::rnn gru;
  gru.set(RONDO_ATTR_CELL, RONDO_CELL_GRU).set(RONDO_ATTR_INPUT_SIZE, I).set(RONDO_ATTR_HIDDEN_SIZE, H);
  gru.set(RONDO_ATTR_DEVICE, RONDO_DEVICE_CPU);
  const rondo::plan plan(context, gru, rondo::problem(RONDO_TRAINING, RONDO_SEQUENCE_FULL, T, N));
  auto workspace = blocks(plan.workspace_size()), reserve = blocks(plan.reserve_size());
  std::printf("gru %d -> %lu on %s: %" PRId64 " parameters, workspace %" PRId64 " bytes, reserve %" PRId64 "\n", I, H,
              plan.backend_name(), gru.flat_size(), plan.workspace_size(), plan.reserve_size());

  Data data;
  const std::int64_t size = gru.flat_size();
  Adam adam(static_cast<std::size_t>(size) + H);
  const rondo::view<float> values = adam.values, gradients = adam.gradients;
  std::vector<float> y(T * N * H), hn(N * H), dhn(N * H);
  const auto params = gru.split(values.part(0, size));
  gru.init_params(1, params);
  const auto weights = values.part(size, std::int64_t(H)), dweights = gradients.part(size, std::int64_t(H));

  // Views are set once; only what they show changes from step to step.
  rondo::forward_call<float> forward;
  rondo::backward_call<float> backward;
  forward.T = backward.T = T, forward.N = backward.N = N;
  forward.x = backward.x = data.x;
  forward.params = backward.params = params;
  forward.workspace = backward.workspace = rondo::bytes_of(workspace);
  forward.reserve = backward.reserve = rondo::bytes_of(reserve);
  forward.y = y, forward.hn = hn;
  backward.y = y, backward.dhn = dhn;
  backward.dparams = gru.split(gradients.part(0, size));

  std::mt19937 random(1);
  double last = 0;  // the mean error of the last 50 steps, each on rows never seen before
  for (int step = 1; step <= steps; ++step) {
    data.draw(random);
    plan.forward(forward);
    const double error = error_of(data, hn, weights, dhn, dweights);
    plan.backward(backward);
    adam.update(0.005f);
    last += step > steps - 50 ? error / 50 : 0;
    if (step == 1 || step % 100 == 0) std::printf("step %3d: mean squared error %.4f\n", step, error);
  }
  std::printf("learned: mean squared error %.4f of rows never seen, %.1f times better than guessing\n", last,
              1 / (6 * last));           // always answering 1, the mean, misses by 1/6
} catch (const std::exception &error) {  // rondo::error is one, and knows its status
  std::fprintf(stderr, "cpp_training: %s\n", error.what());
  return 1;
}
