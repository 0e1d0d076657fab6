// Initial parameters, PyTorch's distribution: U(-1/sqrt(H), 1/sqrt(H)) for weights and biases alike.
// Drawn by counter, so that a parameter's values depend on neither the order nor the presence of the others.
#include <cmath>

#include "core/parameters.h"
#include "kernels/cell/half.h"
#include "kernels/cell/philox.h"

namespace rondo {
namespace {

void write(void *to, int64_t element, double value, rondo_dtype_t dtype) {
  switch (dtype) {
    case RONDO_F64:
      static_cast<double *>(to)[element] = value;
      break;
    case RONDO_F32:
      static_cast<float *>(to)[element] = static_cast<float>(value);
      break;
    case RONDO_F16:
      static_cast<kernels::F16 *>(to)[element] = kernels::to_f16(static_cast<float>(value));
      break;
    default:
      static_cast<kernels::Bf16 *>(to)[element] = kernels::to_bf16(static_cast<float>(value));
      break;
  }
}

}  // namespace

void init_params(const Spec &spec, uint64_t seed, void *const *params) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(spec.hidden_size));
  for (int64_t index = 0; index < param_count(spec); ++index) {
    const Param param = param_at(spec, index);
    const int64_t elements = param.rows * param.columns;
    for (int64_t quad = 0; quad * 4 < elements; ++quad) {
      const auto words = kernels::philox(seed, {{static_cast<uint32_t>(quad), static_cast<uint32_t>(quad >> 32),
                                                 static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32)}});
      for (int64_t k = 0; k < 4 && quad * 4 + k < elements; ++k) {
        const double unit = (words.word[k] + 0.5) / 4294967296.0;  // inside (0, 1)
        write(params[index], quad * 4 + k, (2.0 * unit - 1.0) * bound, spec.storage());
      }
    }
  }
}

}  // namespace rondo
