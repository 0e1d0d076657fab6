// What the kernels' cells state of themselves and what core says of a spec are the same.
#include "core/attributes.h"
#include "core/spec.h"
#include "kernels/cpu/kernels.h"
#include "support/catch.h"

TEST_CASE("kernels and core agree on every cell", "[cells]") {
  for (int cell = 0; cell < rondo::kernels::kCells; ++cell) {
    rondo::Spec spec;
    spec.cell = cell;
    CAPTURE(rondo::cell_name(cell));
    for (const auto &facts :
         {rondo::kernels::kernels<float>().cells[cell], rondo::kernels::kernels<double>().cells[cell]}) {
      CHECK(facts.gates == spec.gates());
      CHECK(facts.has_cell_state == spec.has_cell_state());
    }
  }
  CHECK(rondo::attributes()[RONDO_ATTR_CELL - 1].max_value == rondo::kernels::kCells - 1);
}
