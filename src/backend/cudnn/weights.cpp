// Offsets are differences of the addresses that cuDNN gives for a space at a made-up base, which it never reads.
#include "backend/cudnn/weights.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <tuple>

#include "backend/cuda/error.h"
#include "core/arena.h"
#include "core/hash.h"
#include "core/parameters.h"

namespace rondo::cudnn {
namespace {

// Of cuDNN's offsets only the distance from here is used.
alignas(256) std::array<char, 256> space_base;

int64_t distance(const void *address) {
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(space_base.data()));
}

Status describe(const TensorDescriptor &descriptor, cudnnDataType_t *type, int64_t *elements) {
  std::array<int, 3> sizes{};
  std::array<int, 3> strides{};
  int dimensions = 0;
  RONDO_CUDNN(cudnnGetTensorNdDescriptor(descriptor.get(), static_cast<int>(sizes.size()), type, &dimensions,
                                         sizes.data(), strides.data()));
  *elements = dimensions > 0 ? 1 : 0;
  for (int k = 0; k < std::min<int>(dimensions, sizes.size()); ++k) {
    *elements *= sizes.at(static_cast<size_t>(k));
  }
  return {};
}

}  // namespace

Status WeightLayout::add(cudnnHandle_t library, const Network &network, int64_t first_layer, int64_t first_direction,
                         int64_t *offset) {
  *offset = bytes_;
  const Network::Shape &shape = network.shape();
  const int64_t ids = 2 * spec_.gates() + (spec_.proj_size > 0 ? 1 : 0);
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    for (int64_t direction = 0; direction < shape.directions; ++direction) {
      for (int64_t id = 0; id < ids; ++id) {
        RONDO_TRY(add_gate(library, network, layer * shape.directions + direction, id, first_layer + layer,
                           first_direction + direction));
      }
    }
  }
  const Checked end = round_up(Checked(bytes_) + network.weight_bytes(), operand_alignment);
  if (end.overflowed()) {
    return fail(RONDO_ERROR_UNSUPPORTED, "cuDNN's weight space overflows int64");
  }
  bytes_ = end.value();
  merge();
  return {};
}

// Gates that follow each other on both sides are one copy.
void WeightLayout::merge() {
  std::sort(places_.begin(), places_.end(), [](const Place &a, const Place &b) {
    return std::tie(a.param, a.from, a.to) < std::tie(b.param, b.from, b.to);
  });
  std::vector<Place> merged;
  for (const Place &place : places_) {
    Place *last = merged.empty() ? nullptr : &merged.back();
    if (last != nullptr && last->param == place.param && last->from + last->count == place.from &&
        last->to + last->count == place.to) {
      last->count += place.count;
    } else {
      merged.push_back(place);
    }
  }
  places_ = std::move(merged);
}

// cuDNN numbers the input gates, then the recurrent ones, in PyTorch's order, then the projection.
Status WeightLayout::add_gate(cudnnHandle_t library, const Network &network, int64_t pseudo_layer, int64_t id,
                              int64_t layer, int64_t direction) {
  TensorDescriptor matrix;
  TensorDescriptor bias;
  RONDO_CUDNN(matrix.create());
  RONDO_CUDNN(bias.create());
  void *matrix_address = nullptr;
  void *bias_address = nullptr;
  RONDO_CUDNN(cudnnGetRNNWeightParams(
      library, network.get(), static_cast<int32_t>(pseudo_layer), static_cast<size_t>(network.weight_bytes()),
      space_base.data(), static_cast<int32_t>(id), matrix.get(), &matrix_address, bias.get(), &bias_address));
  const int64_t G = spec_.gates();
  const bool projects = id == 2 * G;
  const bool recurrent = id >= G;
  const ParamKind kind = projects ? ParamKind::weight_hr : (recurrent ? ParamKind::weight_hh : ParamKind::weight_ih);
  const int64_t param = param_index(spec_, layer, direction, kind);
  const Param facts = param_at(spec_, param);
  const int64_t gate = projects ? 0 : id % G;
  const int64_t count = projects ? facts.rows * facts.columns : spec_.hidden_size * facts.columns;
  RONDO_TRY(add_tensor(network, matrix, matrix_address, count, param, gate * count));
  if (projects || (spec_.bias == 0 && bias_address == nullptr)) {
    return {};
  }
  const ParamKind bias_kind = recurrent ? ParamKind::bias_hh : ParamKind::bias_ih;
  const int64_t bias_param = spec_.bias != 0 ? param_index(spec_, layer, direction, bias_kind) : -1;
  return add_tensor(network, bias, bias_address, spec_.hidden_size, bias_param, gate * spec_.hidden_size);
}

Status WeightLayout::add_tensor(const Network &network, const TensorDescriptor &descriptor, const void *address,
                                int64_t expected, int64_t param, int64_t from) {
  cudnnDataType_t type{};
  int64_t count = 0;
  RONDO_TRY(describe(descriptor, &type, &count));
  const int64_t at = address == nullptr ? -1 : distance(address);
  if (at < 0 || at % element_bytes() != 0 || count != expected || type != network.type() ||
      at + count * element_bytes() > network.weight_bytes()) {
    return fail(RONDO_ERROR_INTERNAL,
                "cudnnGetRNNWeightParams tells of %" PRId64 " elements at byte %" PRId64 " of %" PRId64
                ", expected %" PRId64,
                count, at, network.weight_bytes(), expected);
  }
  const int64_t to = (bytes_ + at) / element_bytes();
  places_.push_back({param, from, to, count});
  return {};
}

uint64_t WeightLayout::format() const {
  uint64_t hash = format_hash({spec_.dtype, bytes_, RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100});
  for (const Place &place : places_) {
    hash = format_hash({place.param, place.from, place.to, place.count}, hash);
  }
  return hash;
}

Status WeightLayout::pack(const kernels::cuda::Target &target, const void *const *params, void *space) const {
  std::vector<kernels::cuda::Piece> pieces;
  pieces.reserve(places_.size());
  for (const Place &place : places_) {
    const char *from =
        place.param < 0 ? nullptr : static_cast<const char *>(params[place.param]) + place.from * element_bytes();
    pieces.push_back({from, static_cast<char *>(space) + place.to * element_bytes(), place.count});
  }
  RONDO_CUDA(launch_copy_pieces(target, storage(), pieces.data(), static_cast<int64_t>(pieces.size()), false));
  return {};
}

Status WeightLayout::unpack(const kernels::cuda::Target &target, const void *space, void *const *params,
                            bool accumulate) const {
  std::vector<kernels::cuda::Piece> pieces;
  pieces.reserve(places_.size());
  for (const Place &place : places_) {
    if (place.param < 0 || params[place.param] == nullptr) {
      continue;
    }
    pieces.push_back({static_cast<const char *>(space) + place.to * element_bytes(),
                      static_cast<char *>(params[place.param]) + place.from * element_bytes(), place.count});
  }
  RONDO_CUDA(launch_copy_pieces(target, storage(), pieces.data(), static_cast<int64_t>(pieces.size()), accumulate));
  return {};
}

}  // namespace rondo::cudnn
