// The scrambled weight space, and the two calls that tell of it.
// The space's address is only added to: cuDNN does not read it, so it may be anything but NULL.
#include "cudnn_weights.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>

#include "cudnn_use.h"

namespace rondo_emulator::cudnn {
namespace {

constexpr uint64_t kGaps = 24;  // a gap has fewer elements than this

uint64_t process_seed() {
  const char *wanted = std::getenv("RONDO_EMULATOR_SEED");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : static_cast<uint64_t>(getpid());
}

bool has_bias(const cudnnRNNStruct &rnn, bool recurrent) {
  return rnn.bias == CUDNN_RNN_DOUBLE_BIAS ||
         rnn.bias == (recurrent ? CUDNN_RNN_SINGLE_REC_BIAS : CUDNN_RNN_SINGLE_INP_BIAS);
}

// PyTorch's parameters of one layer and direction, from its first one on.
void add_pseudo_layer(const cudnnRNNStruct &rnn, const test::Problem &problem, int32_t pseudo_layer, size_t first,
                      WeightMap *map) {
  const auto gates = rnn.G();
  const auto H = static_cast<size_t>(rnn.H);
  for (int32_t id = 0; id < 2 * gates; ++id) {
    const bool recurrent = id >= gates;
    const auto gate = static_cast<size_t>(id % gates);
    const size_t matrix = first + (recurrent ? 1 : 0);
    const auto columns = static_cast<int>(recurrent ? problem.O() : problem.layer_input(pseudo_layer / rnn.D()));
    map->pieces.push_back(
        {pseudo_layer, id, false, rnn.H, columns, matrix, gate * H * static_cast<size_t>(columns), 0});
    if (has_bias(rnn, recurrent)) {
      map->pieces.push_back({pseudo_layer, id, true, rnn.H, 1, matrix + 2, gate * H, 0});
    }
  }
  if (rnn.projects()) {
    map->pieces.push_back({pseudo_layer, 2 * gates, false, rnn.O, rnn.H, first + (problem.bias ? 4 : 2), 0, 0});
  }
}

void scramble(uint64_t seed, WeightMap *map) {
  std::mt19937_64 random(seed);
  std::vector<size_t> order(map->pieces.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  size_t at = 0;
  for (const size_t index : order) {
    WeightPiece &piece = map->pieces[index];
    piece.offset = at + random() % kGaps;
    at = piece.offset + piece.size();
  }
  map->elements = at + 1 + random() % kGaps;
}

void describe(const WeightPiece &piece, cudnnDataType_t type, cudnnTensorDescriptor_t descriptor) {
  descriptor->type = type;
  descriptor->dims = {1, piece.rows, piece.columns};
  descriptor->strides = {piece.rows * piece.columns, piece.columns, 1};
}

}  // namespace

WeightMap weight_map(const cudnnRNNStruct &rnn) {
  const test::Problem problem = network(rnn);
  WeightMap map;
  for (const test::ParamShape &shape : problem.param_shapes()) {
    map.param_sizes.push_back(static_cast<size_t>(shape.size()));
  }
  const size_t each = map.param_sizes.size() / static_cast<size_t>(rnn.L * rnn.D());
  for (int32_t pseudo_layer = 0; pseudo_layer < rnn.L * rnn.D(); ++pseudo_layer) {
    add_pseudo_layer(rnn, problem, pseudo_layer, static_cast<size_t>(pseudo_layer) * each, &map);
  }
  scramble(mix(fingerprint(rnn), process_seed()), &map);
  return map;
}

std::vector<std::vector<double>> read_weights(const WeightMap &map, test::Dtype type, const void *space) {
  std::vector<std::vector<double>> params;
  for (const size_t size : map.param_sizes) params.emplace_back(size, 0.0);
  for (const WeightPiece &piece : map.pieces) {
    const auto *at = static_cast<const char *>(space) + piece.offset * test::size_of(type);
    test::decode(type, at, piece.size(), params[piece.param].data() + piece.from);
  }
  return params;
}

void add_weights(const WeightMap &map, test::Dtype type, const std::vector<std::vector<double>> &gradients,
                 void *space) {
  const auto before = read_weights(map, type, space);
  std::memset(space, 0xff, map.elements * test::size_of(type));
  for (const WeightPiece &piece : map.pieces) {
    std::vector<double> sums(piece.size());
    for (size_t k = 0; k < sums.size(); ++k) {
      sums[k] = before[piece.param][piece.from + k] + gradients[piece.param][piece.from + k];
    }
    test::encode(type, sums.data(), sums.size(), static_cast<char *>(space) + piece.offset * test::size_of(type));
  }
}

}  // namespace rondo_emulator::cudnn

using namespace rondo_emulator::cudnn;

extern "C" {

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t rnnDesc, size_t *weightSpaceSize) {
  count_call(__func__);
  STAND_IN_TRY(check_handle(handle));
  STAND_IN_TRY(check_set(rnnDesc));
  if (weightSpaceSize == nullptr) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "weightSpaceSize is NULL");
  *weightSpaceSize = weight_map(*rnnDesc).elements * size_of(rnnDesc->type);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t rnnDesc, int32_t pseudoLayer,
                                      size_t weightSpaceSize, const void *weightSpace, int32_t linLayerID,
                                      cudnnTensorDescriptor_t mDesc, void **mAddr, cudnnTensorDescriptor_t bDesc,
                                      void **bAddr) {
  count_call(__func__);
  STAND_IN_TRY(check_handle(handle));
  STAND_IN_TRY(check_set(rnnDesc));
  if (weightSpace == nullptr || mDesc == nullptr || mAddr == nullptr || bDesc == nullptr || bAddr == nullptr) {
    return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cudnnGetRNNWeightParams: an argument is NULL");
  }
  const int32_t ids = 2 * rnnDesc->G() + (rnnDesc->cell == CUDNN_LSTM ? 1 : 0);
  if (pseudoLayer < 0 || pseudoLayer >= rnnDesc->L * rnnDesc->D() || linLayerID < 0 || linLayerID >= ids) {
    return refuse(CUDNN_STATUS_BAD_PARAM, "pseudoLayer " + std::to_string(pseudoLayer) + " or linLayerID " +
                                              std::to_string(linLayerID) + " does not exist");
  }
  const WeightMap map = weight_map(*rnnDesc);
  if (weightSpaceSize < map.elements * size_of(rnnDesc->type)) {
    return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT,
                  "weightSpaceSize is less than cudnnGetRNNWeightSpaceSize told");
  }
  *mAddr = nullptr;
  *bAddr = nullptr;
  *mDesc = {};
  *bDesc = {};
  for (const WeightPiece &piece : map.pieces) {
    if (piece.pseudo_layer != pseudoLayer || piece.id != linLayerID) continue;
    const size_t bytes = piece.offset * size_of(rnnDesc->type);
    *(piece.is_bias ? bAddr : mAddr) = static_cast<char *>(const_cast<void *>(weightSpace)) + bytes;
    describe(piece, rnnDesc->type, piece.is_bias ? bDesc : mDesc);
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
