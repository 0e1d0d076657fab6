// A step's product over a range of panels: the same bytes upwards and downwards, with and without blocks of K outside,
// as one product a panel gives.
#include <cstdint>
#include <vector>

#include "backend/cpu/products.h"
#include "support/catch.h"
#include "unit/numbers.h"

using rondo::cpu::Panels;
using rondo::cpu::StepProduct;
using rondo::kernels::kMostBlockK;
using rondo_test::numbers;

namespace {

template <class C>
class Case {
 public:
  Panels panels;
  std::int64_t rows, K, first, last;
  bool accumulate;

  // The columns of the panels [first, last) of a matrix of rows, with a margin that nothing may write.
  std::vector<C> run(bool backwards, bool far) const {
    return made([&](const C *a, const C *weights, C *c) {
      const std::vector<C> beside = numbers<C>(rows * panels.columns, 4);  // only asked for
      const StepProduct<C> product{
          a,         K, rows,           K,          weights, panels,  first,         last,
          backwards, c, panels.columns, accumulate, rows,    weights, beside.data(), panels.columns};
      product.run(rondo::kernels::kernels<C>(), far);
    });
  }
  std::vector<C> panel_by_panel() const {
    return made([&](const C *a, const C *weights, C *c) {
      for (std::int64_t panel = first; panel < last; ++panel) {
        rondo::kernels::kernels<C>().product({a, K, 1, weights + panels.offset(panel, K), rows, K,
                                              panels.vectors_at(panel), c + panels.column(panel) - panels.column(first),
                                              panels.columns, accumulate, rows, nullptr});
      }
    });
  }

 private:
  template <class Make>
  std::vector<C> made(const Make &make) const {
    const std::vector<C> a = numbers<C>(rows * K, 1);
    const std::vector<C> weights = numbers<C>(panels.columns * K, 2);
    std::vector<C> c = numbers<C>((rows + 1) * panels.columns, 3);
    make(a.data(), weights.data(), c.data() + panels.column(first));
    return c;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("a step's product does not depend on the order of panels and blocks", "[product]", float, double) {
  const int lanes = rondo::kernels::kernels<TestType>().lanes;
  for (const std::int64_t vectors : {1, 5, 16, 22}) {
    const Panels panels = Panels::of_columns(vectors * lanes, rondo::kernels::kMaxPanelVectors, lanes);
    for (const std::int64_t rows :
         {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, rondo::cpu::rows_for_blocks_of_k, std::int64_t{64}}) {
      for (const std::int64_t K : {std::int64_t{1}, kMostBlockK, kMostBlockK + 1, kMostBlockK + 300}) {
        for (const std::int64_t first : {std::int64_t{0}, panels.count() / 2}) {
          const Case<TestType> part{panels, rows, K, first, panels.count(), rows == 64};
          const std::vector<TestType> expected = part.panel_by_panel();
          CAPTURE(vectors, rows, K, first);
          for (const bool backwards : {false, true}) {
            for (const bool far : {false, true}) {
              CHECK(part.run(backwards, far) == expected);
            }
          }
        }
      }
    }
  }
}
