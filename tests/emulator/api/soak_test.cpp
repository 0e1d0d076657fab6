// Many plans made, run and destroyed: device memory, streams, events and library handles are back where they were once
// the contexts are gone.
#include "emulator/control.h"
#include "rig.h"
#include "support/catch.h"

namespace {

using namespace rondo::test;
using namespace rondo::test::gpu;

// One of many shapes; the smallest run in microseconds on the emulator.
Shape shape_of(rondo_backend_t backend, int64_t k) {
  Shape shape;
  shape.backend = backend;
  shape.cell = static_cast<rondo_cell_t>(k % 4);
  shape.sequence = static_cast<rondo_sequence_t>(k % 3);
  shape.mode = k % 5 == 0 ? RONDO_INFERENCE : RONDO_TRAINING;
  shape.T = 1 + k % 3;
  shape.N = 1 + k % 2;
  shape.I = 1 + k % 4;
  shape.H = 1 + k % 5;
  shape.L = 1 + k % 2;
  shape.D = 1 + (k / 2) % 2;
  shape.dropout = k % 7 == 0 ? 0.5 : 0;
  return shape;
}

}  // namespace

TEST_CASE("three hundred plans leave nothing behind", "[soak]") {
  const auto backend = GENERATE(on_fused, on_cudnn);
  const rondo_emulator::Live before = rondo_emulator::live();
  int64_t allocations = 0;
  for (int64_t part = 0; part < 3; ++part) {
    const Context context = make_context();
    for (int64_t k = 0; k < 50; ++k) Rig(context, shape_of(backend, 50 * part + k)).results();
    // What a context keeps does not grow with its plans.
    const rondo_emulator::Live live = rondo_emulator::live();
    if (part == 0) allocations = live.allocations;
    CHECK(live.allocations == allocations);
  }
  const rondo_emulator::Live after = rondo_emulator::live();
  CHECK(after.allocations == before.allocations);
  CHECK(after.bytes == before.bytes);
  CHECK(after.streams == before.streams);
  CHECK(after.events == before.events);
  CHECK(after.graphs == before.graphs);
  CHECK(after.handles == before.handles);
  CHECK(rondo_emulator::faults().empty());
}
