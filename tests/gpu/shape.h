// One problem as the GPU programs know it: its name, its JSON form between the bench section and the peers, its values.
// Every peer, the Python one too, draws the same values from one short pool, so that their results can be compared.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "element.h"
#include "rondo/rondo.h"

namespace rondo::gpu {

struct Shape {
  rondo_cell_t cell = RONDO_CELL_LSTM;
  rondo_dtype_t dtype = RONDO_F32;
  rondo_mode_t mode = RONDO_INFERENCE;
  rondo_sequence_t sequence = RONDO_SEQUENCE_FULL;
  int64_t T = 1, N = 1, I = 1, H = 1, L = 1, D = 1;

  bool is_training() const { return mode == RONDO_TRAINING; }
  bool is_lstm() const { return cell == RONDO_CELL_LSTM; }
  int64_t gates() const;
  // Full: empty. Else uniform in [T/10, T], the longest T; packed: longest first.
  std::vector<int64_t> lengths() const;
  std::vector<int64_t> batch_sizes() const;  // packed only, [T]
  // Rows of x and y.
  int64_t positions() const;
  int64_t state_size() const { return L * D * N * H; }
  std::string name() const;
};

void to_json(nlohmann::json &json, const Shape &shape);
void from_json(const nlohmann::json &json, Shape &shape);

// count values of the storage type, uniform in (-bound, bound): a pool of a prime number of them, entered at a place
// that depends on the array's number and then repeated.
std::vector<unsigned char> pool_values(rondo_dtype_t dtype, int64_t count, double bound, int64_t array);

// Arrays' numbers: x, dy, and parameter k in PyTorch's order. Data has unit variance, parameters U(-1/sqrt(H), ..).
inline constexpr int64_t x_array = 0, dy_array = 1, first_param_array = 2;
inline constexpr double data_bound = 1.7320508075688772;
double param_bound(const Shape &shape);

// Some elements of y, evenly spread, for comparison between peers.
inline constexpr int64_t probe_count = 64;
int64_t probe_index(int64_t probe, int64_t elements);

size_t element_size(rondo_dtype_t dtype);
rondo::test::Dtype test_dtype(rondo_dtype_t dtype);

}  // namespace rondo::gpu
