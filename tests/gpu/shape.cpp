// Names, lengths and values of a shape.
// tests/bench/peer_shapes.py and peer_common.py compute the same lengths and values: change both.
#include "shape.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <stdexcept>

namespace rondo::gpu {
namespace {

constexpr int64_t pool_size = 1000003;
constexpr int64_t array_stride = 7919;

constexpr const char *cells[] = {"rnn_tanh", "rnn_relu", "lstm", "gru"};
constexpr const char *dtypes[] = {"f64", "f32", "f16", "bf16"};
constexpr const char *modes[] = {"inference", "training"};
constexpr const char *sequences[] = {"full", "lengths", "packed", "device_lengths"};

// splitmix64 of a counter: any element can be computed alone.
double uniform_at(uint64_t counter) {
  uint64_t mixed = (counter + 1) * 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
  mixed ^= mixed >> 31U;
  return static_cast<double>(mixed >> 11U) * 0x1p-53;
}

const std::vector<double> &pool() {
  static const std::vector<double> values = [] {
    std::vector<double> drawn(static_cast<size_t>(pool_size));
    for (size_t i = 0; i < drawn.size(); ++i) drawn[i] = 2 * uniform_at(i) - 1;
    return drawn;
  }();
  return values;
}

template <class Names>
int32_t index_of(const Names &names, const std::string &name) {
  const auto found = std::find(std::begin(names), std::end(names), name);
  if (found == std::end(names)) throw std::runtime_error("a shape has the unknown word \"" + name + "\"");
  return static_cast<int32_t>(found - std::begin(names));
}

template <class Names>
const char *word(const Names &names, int32_t index) {
  return names[static_cast<size_t>(index)];
}

}  // namespace

int64_t Shape::gates() const { return cell == RONDO_CELL_LSTM ? 4 : cell == RONDO_CELL_GRU ? 3 : 1; }

std::vector<int64_t> Shape::lengths() const {
  if (sequence == RONDO_SEQUENCE_FULL) return {};
  std::vector<int64_t> result(static_cast<size_t>(N));
  const int64_t shortest = std::max<int64_t>(1, T / 10);
  for (size_t n = 0; n < result.size(); ++n) {
    const double drawn = uniform_at(1000000007 + n);
    result[n] = shortest + static_cast<int64_t>(drawn * static_cast<double>(T - shortest + 1));
  }
  result.back() = T;
  if (sequence == RONDO_SEQUENCE_PACKED) std::sort(result.begin(), result.end(), std::greater<>());
  return result;
}

std::vector<int64_t> Shape::batch_sizes() const {
  const std::vector<int64_t> all = lengths();
  std::vector<int64_t> sizes(static_cast<size_t>(T));
  for (int64_t t = 0; t < T; ++t) {
    sizes[static_cast<size_t>(t)] = std::count_if(all.begin(), all.end(), [t](int64_t length) { return length > t; });
  }
  return sizes;
}

int64_t Shape::positions() const {
  if (sequence != RONDO_SEQUENCE_PACKED) return T * N;
  const std::vector<int64_t> all = lengths();
  return std::accumulate(all.begin(), all.end(), int64_t{0});
}

std::string Shape::name() const {
  std::string text = std::string(word(cells, cell)) + "-" + word(dtypes, dtype) + "-t" + std::to_string(T) + "-n" +
                     std::to_string(N) + "-h" + std::to_string(H);
  if (I != H) text += "-i" + std::to_string(I);
  if (L > 1) text += "-l" + std::to_string(L);
  if (D > 1) text += "-bi";
  if (sequence != RONDO_SEQUENCE_FULL) text += std::string("-") + word(sequences, sequence);
  return text + "-" + word(modes, mode);
}

void to_json(nlohmann::json &json, const Shape &shape) {
  json = {{"name", shape.name()},
          {"cell", word(cells, shape.cell)},
          {"dtype", word(dtypes, shape.dtype)},
          {"mode", word(modes, shape.mode)},
          {"sequence", word(sequences, shape.sequence)},
          {"T", shape.T},
          {"N", shape.N},
          {"I", shape.I},
          {"H", shape.H},
          {"L", shape.L},
          {"D", shape.D}};
}

void from_json(const nlohmann::json &json, Shape &shape) {
  shape.cell = index_of(cells, json.at("cell").get<std::string>());
  shape.dtype = index_of(dtypes, json.at("dtype").get<std::string>());
  shape.mode = index_of(modes, json.at("mode").get<std::string>());
  shape.sequence = index_of(sequences, json.at("sequence").get<std::string>());
  json.at("T").get_to(shape.T);
  json.at("N").get_to(shape.N);
  json.at("I").get_to(shape.I);
  json.at("H").get_to(shape.H);
  json.at("L").get_to(shape.L);
  json.at("D").get_to(shape.D);
}

rondo::test::Dtype test_dtype(rondo_dtype_t dtype) { return static_cast<rondo::test::Dtype>(dtype); }

size_t element_size(rondo_dtype_t dtype) { return rondo::test::size_of(test_dtype(dtype)); }

std::vector<unsigned char> pool_values(rondo_dtype_t dtype, int64_t count, double bound, int64_t array) {
  const std::vector<double> &source = pool();
  const auto wanted = static_cast<size_t>(count);
  std::vector<double> scaled(std::min(wanted, source.size()));
  const auto start = static_cast<size_t>(array * array_stride % pool_size);
  for (size_t i = 0; i < scaled.size(); ++i) scaled[i] = bound * source[(start + i) % source.size()];
  const size_t element = element_size(dtype);
  std::vector<unsigned char> memory(wanted * element);
  rondo::test::encode(test_dtype(dtype), scaled.data(), scaled.size(), memory.data());
  for (size_t done = scaled.size(); done < wanted;) {
    const size_t next = std::min(scaled.size(), wanted - done);
    std::memcpy(memory.data() + done * element, memory.data(), next * element);
    done += next;
  }
  return memory;
}

double param_bound(const Shape &shape) { return 1 / std::sqrt(static_cast<double>(shape.H)); }

int64_t probe_index(int64_t probe, int64_t elements) { return (2 * probe + 1) * elements / (2 * probe_count); }

}  // namespace rondo::gpu
