// Several streams, threads, contexts and devices at once: calls that meet in one context, or in one handle of a
// library, give the bytes that each gives alone.
#include <thread>

#include "rig.h"
#include "support/catch.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;

Shape shape_for(rondo_backend_t backend) {
  Shape shape;
  shape.backend = backend;
  shape.L = 2;
  shape.D = 2;
  shape.dropout = 0.25;
  return shape;
}

Shape other_shape(rondo_backend_t backend) {
  Shape shape;
  shape.backend = backend;
  shape.cell = RONDO_CELL_GRU;
  shape.sequence = RONDO_SEQUENCE_LENGTHS;
  shape.T = 6;
  shape.H = 7;
  return shape;
}

// The device that is current for a while.
class Current {
 public:
  explicit Current(int device) {
    REQUIRE(cudaGetDevice(&before_) == cudaSuccess);
    REQUIRE(cudaSetDevice(device) == cudaSuccess);
  }
  Current(const Current &) = delete;
  Current &operator=(const Current &) = delete;
  ~Current() { static_cast<void>(cudaSetDevice(before_)); }

 private:
  int before_ = 0;
};

// One thread's share: an exception or a wrong byte is told after the thread has ended.
std::string repeat(const Context &context, const Shape &shape, const Bytes &expected) {
  try {
    Rig rig(context, shape);
    for (int round = 0; round < 4; ++round) {
      if (rig.results() != expected) return "other bytes than alone";
    }
    return "";
  } catch (const std::exception &error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("calls on two streams, interleaved, give the bytes that each gives alone", "[streams]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const bool shared = GENERATE(true, false);
  CAPTURE(backend, shared);
  const Context context = make_context();
  const Context second = make_context();
  Rig one(context, shape_for(backend));
  Rig other(shared ? context : second, other_shape(backend));
  check_interleaved(one, other);
}

TEST_CASE("two back ends share a device and a stream", "[streams]") {
  const Context context = make_context();
  Rig fused(context, shape_for(RONDO_BACKEND_FUSED));
  Rig cudnn(context, shape_for(RONDO_BACKEND_CUDNN));
  const Bytes fused_alone = fused.results();
  const Bytes cudnn_alone = cudnn.results();
  cudnn.forward.stream = cudnn.backward.stream = fused.stream();
  fused.spoil();
  cudnn.spoil();
  fused.run_forward();
  cudnn.run_forward();
  fused.run_backward();
  cudnn.run_backward();
  CHECK(fused.outputs() == fused_alone);
  CHECK(cudnn.outputs() == cudnn_alone);
}

TEST_CASE("threads share one context", "[streams]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  const Bytes expected = Rig(context, shape_for(backend)).results();
  const Bytes other_expected = Rig(context, other_shape(backend)).results();
  std::vector<std::string> answers(6);
  std::vector<std::thread> threads;
  for (size_t k = 0; k < answers.size(); ++k) {
    threads.emplace_back([&, k] {
      answers[k] = k % 2 == 0 ? repeat(context, shape_for(backend), expected)
                              : repeat(context, other_shape(backend), other_expected);
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (const std::string &answer : answers) CHECK(answer == "");
}

TEST_CASE("threads share one plan, each with its own memory and stream", "[streams]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig owner(context, shape_for(backend));
  const Bytes expected = owner.results();
  std::vector<std::unique_ptr<Rig>> rigs;
  for (int k = 0; k < 4; ++k) rigs.push_back(std::make_unique<Rig>(context, shape_for(backend)));
  std::vector<std::thread> threads;
  std::vector<rondo_status_t> statuses(rigs.size(), RONDO_OK);
  for (size_t k = 0; k < rigs.size(); ++k) {
    threads.emplace_back([&, k] {
      for (int round = 0; round < 3 && statuses[k] == RONDO_OK; ++round) {
        statuses[k] = rondo_forward(owner.plan(), &rigs[k]->forward);
        if (statuses[k] == RONDO_OK) statuses[k] = rondo_backward(owner.plan(), &rigs[k]->backward);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (size_t k = 0; k < rigs.size(); ++k) {
    CHECK(statuses[k] == RONDO_OK);
    CHECK(rigs[k]->outputs() == expected);
  }
}

TEST_CASE("a plan serves after the handle of its context is destroyed", "[streams]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  Context context = make_context();
  Rig rig(context, shape_for(backend));
  const Bytes expected = rig.results();
  context.reset();
  const Context other = make_context();
  Rig(other, other_shape(backend)).results();
  CHECK(rig.results() == expected);
}

TEST_CASE("a plan runs on the device on which it was made, and on no other", "[devices]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig on_0(context, shape_for(backend));
  const Bytes expected = on_0.results();
  std::unique_ptr<Rig> on_1;
  {
    const Current current(1);
    on_1 = std::make_unique<Rig>(context, shape_for(backend));
    CHECK(on_1->results() == expected);
    CHECK(failure(RONDO_ERROR_DEVICE, rondo_forward(on_0.plan(), &on_0.forward)) ==
          "rondo_forward: the current CUDA device is 1, expected 0, on which the plan was made");
    on_1->spoil();
  }
  const Bytes spoiled = on_1->outputs();
  CHECK(failure(RONDO_ERROR_DEVICE, rondo_forward(on_1->plan(), &on_1->forward)) ==
        "rondo_forward: the current CUDA device is 0, expected 1, on which the plan was made");
  CHECK(failure(RONDO_ERROR_DEVICE, rondo_backward(on_1->plan(), &on_1->backward)) ==
        "rondo_backward: the current CUDA device is 0, expected 1, on which the plan was made");
  CHECK(failure(RONDO_ERROR_DEVICE,
                rondo_plan_pack_params(on_1->plan(), on_1->forward.params, on_1->forward.param_count,
                                       on_1->array("workspace").get(), on_1->forward.workspace_size)) ==
        "rondo_plan_pack_params: the current CUDA device is 0, expected 1, on which the plan was made");
  CHECK(on_1->outputs() == spoiled);
  CHECK(on_0.results() == expected);
  const Current current(1);
  on_1->run_forward();
  on_1->run_backward();
  CHECK(on_1->outputs() == expected);
}

TEST_CASE("calls on two devices at once keep apart", "[devices]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const Context context = make_context();
  Rig on_0(context, shape_for(backend));
  const Bytes expected = on_0.results();
  std::string answer;
  std::thread other([&] {
    static_cast<void>(cudaSetDevice(1));
    answer = repeat(context, shape_for(backend), expected);
  });
  const std::string here = repeat(context, shape_for(backend), expected);
  other.join();
  CHECK(here == "");
  CHECK(answer == "");
}
