// Initial parameters, PyTorch's distribution: U(-1/sqrt(H), 1/sqrt(H)) for weights and biases alike.
// Drawn by counter from layer, direction and kind: a parameter's values do not depend on which others there are.
#include <cmath>

#include "core/element.h"
#include "core/parameters.h"
#include "kernels/cell/philox.h"

namespace rondo {
void init_params(const Spec &spec, uint64_t seed, void *const *params) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(spec.hidden_size));
  for (int64_t index = 0; index < param_count(spec); ++index) {
    const Param param = param_at(spec, index);
    const int64_t elements = param.rows * param.columns;
    for (int64_t quad = 0; quad * 4 < elements; ++quad) {
      const auto words = kernels::philox(
          seed, {{static_cast<uint32_t>(quad), static_cast<uint32_t>(quad >> 32), static_cast<uint32_t>(param.layer),
                  static_cast<uint32_t>(param.direction * 8 + static_cast<int64_t>(param.kind))}});
      for (int64_t k = 0; k < 4 && quad * 4 + k < elements; ++k) {
        const double unit = (words.word[k] + 0.5) / 4294967296.0;  // inside (0, 1)
        store_element(spec.storage(), (2.0 * unit - 1.0) * bound, params[index], quad * 4 + k);
      }
    }
  }
}

}  // namespace rondo
