// Chunks are stretches of step order: a row that ended before one has no place in it, and those that go on come first.
#include "backend/cudnn/run.h"

#include <cinttypes>

#include "backend/cuda/error.h"

namespace rondo::cudnn {
namespace {

Chunk make_chunk(const Setup &setup, const cuda::CallRows &rows, int64_t index) {
  const int64_t first = index * max_steps;
  int64_t steps = std::min(max_steps, rows.T() - first);
  // Steps in which no row runs are the last ones, and cuDNN wants a row of packed data to reach the last.
  while (rows.active(first + steps - 1) == 0) {
    --steps;
  }
  Chunk chunk{index, rows.offset(first), full_sequences(data_layout(setup), steps, rows.active(first))};
  for (int64_t t = 0; t + 1 < steps; ++t) {
    for (int64_t r = rows.active(first + t + 1); r < rows.active(first + t); ++r) {
      chunk.sequences.lengths[static_cast<size_t>(r)] = static_cast<int>(t + 1);
    }
  }
  return chunk;
}

}  // namespace

Run::Run(const Setup &setup, cudnnHandle_t library, const kernels::cuda::Target &target, const cuda::CallRows &rows)
    : setup_(setup), library_(library), target_(target), rows_(rows) {
  for (int64_t index = 0; index < divide_up(rows.T(), max_steps); ++index) {
    if (rows.active(index * max_steps) == 0) {
      break;
    }
    chunks_.push_back(make_chunk(setup, rows, index));
  }
}

Status Run::describe(const Network &network, const Chunk &chunk, Described *described) const {
  RONDO_TRY(network.temp_sizes(library_, setup_.problem.training, chunk.sequences, &described->sizes));
  const Network::TempSizes &wanted = described->sizes;
  if (wanted.workspace > setup_.temp.workspace || wanted.reserve > setup_.temp.reserve) {
    return fail(RONDO_ERROR_UNSUPPORTED,
                "cuDNN wants %" PRId64 " bytes of workspace and %" PRId64 " of reserve for T %" PRId64 " and N %" PRId64
                ", expected at most %" PRId64 " and %" PRId64 ", which the plan's largest call needs",
                wanted.workspace, wanted.reserve, chunk.sequences.T, chunk.sequences.N, setup_.temp.workspace,
                setup_.temp.reserve);
  }
  const cudnnDataType_t type = network.type();
  const int64_t states = network.shape().layers * network.shape().directions;
  RONDO_TRY(describe_data(chunk.sequences, type, network.shape().input, &described->x));
  RONDO_TRY(describe_data(chunk.sequences, type, network.output(), &described->y));
  RONDO_TRY(describe_state(type, states, chunk.sequences.N, network.O(), &described->h));
  return describe_state(type, states, chunk.sequences.N, network.H(), &described->c);
}

kernels::cuda::RowMap Run::active_map() const {
  kernels::cuda::RowMap active = rows_.map();
  active.N = active_rows();
  return active;
}

int64_t Run::part_index(const Part &part) const {
  return part.layer * static_cast<int64_t>(setup_.stages.front().parts.size()) + part.direction;
}

namespace {

// The first element of a part's states in a caller's tensor [L*D, N, width].
int64_t first_state(const Setup &setup, const Part &part, int64_t N, int64_t width) {
  return (part.layer * setup.spec.directions() + part.direction) * N * width;
}

}  // namespace

Status Run::read_states(const void *from, const Part &part, int64_t width, char *buffer, const void **states) const {
  *states = nullptr;
  if (from == nullptr) {
    return {};
  }
  if (states_in_place()) {
    *states = static_cast<const char *>(from) + first_state(setup_, part, rows_.N(), width) * element();
    return {};
  }
  *states = buffer;
  return load_states(from, part, width, buffer);
}

Status Run::load_states(const void *from, const Part &part, int64_t width, char *buffer) const {
  const kernels::cuda::RowMap active = active_map();
  for (int64_t k = 0; k < part.states(); ++k) {
    const int64_t first = first_state(setup_, part, rows_.N(), width) + k * rows_.N() * width;
    const char *source = from == nullptr ? nullptr : static_cast<const char *>(from) + first * element();
    RONDO_CUDA(launch_load_states(target_, active, setup_.storage(), source, width, setup_.storage(),
                                  buffer + k * active.N * width * element()));
  }
  return {};
}

char *Run::written_states(void *to, const Part &part, int64_t width, char *buffer) const {
  if (to == nullptr || !states_in_place()) {
    return to == nullptr ? nullptr : buffer;
  }
  return static_cast<char *>(to) + first_state(setup_, part, rows_.N(), width) * element();
}

Status Run::store_states(const char *buffer, const Part &part, int64_t width, const void *kept, void *to) const {
  if (to == nullptr) {
    return {};
  }
  const int64_t N = rows_.N();
  const int64_t first = first_state(setup_, part, N, width) * element();
  const kernels::cuda::RowMap active = active_map();
  if (active.N < N) {
    RONDO_TRY(copy(kept == nullptr ? nullptr : static_cast<const char *>(kept) + first, static_cast<char *>(to) + first,
                   part.states() * N * width));
  }
  for (int64_t k = 0; k < part.states(); ++k) {
    RONDO_CUDA(launch_store_states(target_, active, setup_.storage(), buffer + k * active.N * width * element(), width,
                                   setup_.storage(), static_cast<char *>(to) + first + k * N * width * element()));
  }
  return {};
}

Status Run::keep_all_states(const void *kept, int64_t width, void *to) const {
  return to == nullptr ? Status()
                       : copy(kept, to, setup_.spec.num_layers * setup_.spec.directions() * rows_.N() * width);
}

kernels::cuda::RowMap Run::flat_rows(const int32_t *reversal) const {
  kernels::cuda::RowMap flat{};
  flat.T = 1;
  flat.N = S();
  flat.rows = reversal;
  return flat;
}

Status Run::upload_reversal(int32_t *reversal) const {
  std::vector<int32_t> places(static_cast<size_t>(S()));
  int64_t running = 0;
  for (int64_t t = rows_.T() - 1; t >= 0; --t) {
    // These rows end with step t.
    for (; running < rows_.active(t); ++running) {
      for (int64_t step = 0; step <= t; ++step) {
        places[static_cast<size_t>(rows_.offset(step) + running)] =
            static_cast<int32_t>(rows_.offset(t - step) + running);
      }
    }
  }
  RONDO_CUDA(launch_upload(target_, places.data(), S() * static_cast<int64_t>(sizeof(int32_t)), reversal));
  return {};
}

Status Run::copy(const void *from, void *to, int64_t elements, bool add) const {
  if (elements == 0) {
    return {};
  }
  const kernels::cuda::Piece piece{from, to, elements};
  RONDO_CUDA(launch_copy_pieces(target_, setup_.storage(), &piece, 1, add));
  return {};
}

}  // namespace rondo::cudnn
