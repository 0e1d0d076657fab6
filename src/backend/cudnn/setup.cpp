// A spec cut into networks, and cuDNN asked for what they need. Networks of equal shape share one descriptor.
#include "backend/cudnn/setup.h"

#include <cinttypes>

namespace rondo::cudnn {

cudnnRNNDataLayout_t data_layout(const Setup &setup) {
  if (setup.problem.sequence != RONDO_SEQUENCE_FULL) {
    return CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
  }
  return setup.spec.layout == RONDO_BATCH_MAJOR && setup.division == Division::whole
             ? CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED
             : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
}

Sequences full_sequences(cudnnRNNDataLayout_t layout, int64_t T, int64_t N) {
  return {layout, T, N, std::vector<int>(static_cast<size_t>(N), static_cast<int>(T))};
}

Status Setup::create(cudnnHandle_t library, const Spec &spec, const Problem &problem, cudnnRNNAlgo_t algorithm,
                     std::unique_ptr<Setup> *setup) {
  auto made = std::make_unique<Setup>(spec);
  made->problem = problem;
  made->algorithm = algorithm;
  made->division = division_of(spec, problem);
  const int64_t stages = made->division == Division::whole ? 1 : spec.num_layers;
  for (int64_t layer = 0; layer < stages; ++layer) {
    RONDO_TRY(made->add_stage(library, layer));
  }
  RONDO_TRY(made->find_temp(library));
  *setup = std::move(made);
  return {};
}

const Network *Setup::find(const Network::Shape &shape) const {
  for (const auto &network : networks) {
    if (network->shape() == shape) {
      return network.get();
    }
  }
  return nullptr;
}

Status Setup::add_stage(cudnnHandle_t library, int64_t layer) {
  Stage stage{layer, spec.layer_input(layer), {}};
  const int64_t parts = division == Division::directions ? spec.directions() : 1;
  const Network::Shape shape{stage.input, division == Division::whole ? spec.num_layers : 1, spec.directions() / parts};
  if (find(shape) == nullptr) {
    std::unique_ptr<Network> network;
    RONDO_TRY(Network::create(library, spec, problem, algorithm, shape, &network));
    networks.push_back(std::move(network));
  }
  for (int64_t direction = 0; direction < parts; ++direction) {
    Part part{find(shape), layer, direction, 0};
    RONDO_TRY(weights.add(library, *part.network, layer, direction, &part.weight_offset));
    stage.parts.push_back(part);
  }
  stages.push_back(std::move(stage));
  return {};
}

// cuDNN does not say that a smaller call never wants more, so the corners of what may come are asked for; a call asks
// again.
Status Setup::find_temp(cudnnHandle_t library) {
  if (problem.max_S == 0) {
    return {};
  }
  const int64_t T = std::min(problem.max_T, max_steps);
  for (const auto &network : networks) {
    for (const int64_t steps : {int64_t{1}, T}) {
      for (const int64_t rows : {problem.fixed_batch ? problem.max_N : int64_t{1}, problem.max_N}) {
        Network::TempSizes sizes{};
        RONDO_TRY(
            network->temp_sizes(library, problem.training, full_sequences(data_layout(*this), steps, rows), &sizes));
        temp = {std::max(temp.workspace, sizes.workspace), std::max(temp.reserve, sizes.reserve)};
      }
    }
  }
  return {};
}

}  // namespace rondo::cudnn
