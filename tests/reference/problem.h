// What a test asks for: one recurrent problem, the values it reads and the results it gives, all in double precision.
// Shared by the oracle and by the runner over the public interface; knows nothing of the library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rondo::test {

// The values equal rondo.h's enumerations, so that the runner hands them over unchanged.
enum class Cell : std::int32_t { rnn_tanh = 0, rnn_relu = 1, lstm = 2, gru = 3 };
enum class Sequence : std::int32_t { full = 0, lengths = 1, packed = 2 };

struct ParamShape {
  std::string name;
  std::int64_t rows = 0, columns = 0;
  std::int64_t size() const { return rows * columns; }
};

// T time steps, N rows, I input size, H hidden size, P projection size, L layers, D directions, as in rondo.h.
struct Problem {
  Cell cell = Cell::lstm;
  std::int64_t I = 1, H = 1, P = 0, L = 1, D = 1;
  bool bias = true;
  bool batch_major = false;
  bool single_cell = false;
  double dropout = 0;
  bool training = true;
  std::uint64_t seed = 0, offset = 0;
  Sequence sequence = Sequence::full;
  std::int64_t T = 1, N = 1;
  // [N], empty for Sequence::full. Packed: the lengths of the packed rows, so non-increasing.
  std::vector<std::int64_t> lengths;
  // Packed, may be empty: packed row r uses row sorted_indices[r] of h0, c0, hn and cn.
  std::vector<std::int64_t> sorted_indices;
  double padding_value = 0;
  // Applied where a 16-bit back end rounds to storage; nullptr computes in double throughout. Serves to derive bounds.
  double (*storage_rounding)(double) = nullptr;

  bool is_lstm() const { return cell == Cell::lstm; }
  std::int64_t gates() const { return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1; }
  std::int64_t O() const { return P > 0 ? P : H; }
  std::int64_t width() const { return D * O(); }
  std::int64_t layer_input(std::int64_t layer) const { return layer == 0 ? I : width(); }
  std::int64_t length(std::int64_t row) const;
  std::int64_t state_row(std::int64_t row) const;
  // Rows of x and y: S when packed, else T*N.
  std::int64_t positions() const;
  // Where step t of a row lies among the positions.
  std::int64_t position(std::int64_t t, std::int64_t row) const;
  // Packed only: how many rows are still running at each step, [T].
  std::vector<std::int64_t> batch_sizes() const;
  std::int64_t state_size() const { return L * D * N * O(); }
  std::int64_t cell_state_size() const { return is_lstm() ? L * D * N * H : 0; }
  // In PyTorch's order, with PyTorch's names.
  std::vector<ParamShape> param_shapes() const;
  std::string describe() const;
};

std::string cell_name(Cell cell);

// Empty h0, c0, dy, dhn or dcn are absent and count as zeros.
struct Values {
  std::vector<double> x, h0, c0;
  std::vector<std::vector<double>> params;
  std::vector<double> dy, dhn, dcn;
};

// What was not computed is empty.
struct Results {
  std::vector<double> y, hn, cn;
  std::vector<double> dx, dh0, dc0;
  std::vector<std::vector<double>> dparams;
};

}  // namespace rondo::test
