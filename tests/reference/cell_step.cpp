// The equations of rondo.h's legend and their derivatives.
// Rounding to storage, where asked for, happens where semantics.md's "Precision" says that operands are rounded.
#include "cell_step.h"

#include <cmath>
#include <vector>

namespace rondo::test {
namespace {

using std::int64_t;

double sigmoid(double value) { return 1.0 / (1.0 + std::exp(-value)); }

double rounded(const Problem &problem, double value) {
  return problem.storage_rounding == nullptr ? value : problem.storage_rounding(value);
}

// out[row] += sum over columns of matrix[row, column] * vector[column]
void add_product(const double *matrix, const double *vector, int64_t rows, int64_t columns, double *out) {
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (int64_t column = 0; column < columns; ++column) sum += matrix[row * columns + column] * vector[column];
    out[row] += sum;
  }
}

// out[column] += sum over rows of matrix[row, column] * vector[row]
void add_transposed_product(const double *matrix, const double *vector, int64_t rows, int64_t columns, double *out) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) out[column] += matrix[row * columns + column] * vector[row];
  }
}

void add_outer_product(const double *left, const double *right, int64_t rows, int64_t columns, double *matrix) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) matrix[row * columns + column] += left[row] * right[column];
  }
}

void add(const double *from, int64_t count, double *to) {
  if (to == nullptr) return;
  for (int64_t i = 0; i < count; ++i) to[i] += from[i];
}

// Comparisons are written so that a NaN passes through.
double relu(double value) { return value <= 0 ? 0.0 : value; }

void lstm_forward(const Problem &problem, const LayerParams<const double> &params, StepRecord &step) {
  const int64_t H = problem.H;
  double *gates = step.gates;
  for (int64_t k = 0; k < H; ++k) {
    gates[k] = sigmoid(gates[k]);
    gates[H + k] = sigmoid(gates[H + k]);
    gates[2 * H + k] = std::tanh(gates[2 * H + k]);
    gates[3 * H + k] = sigmoid(gates[3 * H + k]);
    step.c[k] = gates[H + k] * step.c_before[k] + gates[k] * gates[2 * H + k];
    step.unprojected[k] = rounded(problem, gates[3 * H + k] * std::tanh(step.c[k]));
  }
  for (int64_t k = 0; k < problem.O(); ++k) step.h[k] = problem.P > 0 ? 0.0 : step.unprojected[k];
  if (problem.P > 0) add_product(params.weight_hr, step.unprojected, problem.P, H, step.h);
}

void gru_forward(const Problem &problem, const std::vector<double> &recurrent, StepRecord &step) {
  const int64_t H = problem.H;
  double *gates = step.gates;
  for (int64_t k = 0; k < H; ++k) {
    const double r = sigmoid(gates[k] + recurrent[static_cast<std::size_t>(k)]);
    const double z = sigmoid(gates[H + k] + recurrent[static_cast<std::size_t>(H + k)]);
    step.recurrent_n[k] = recurrent[static_cast<std::size_t>(2 * H + k)];
    const double n = std::tanh(gates[2 * H + k] + r * step.recurrent_n[k]);
    step.h[k] = (1.0 - z) * n + z * step.h_before[k];
    gates[k] = r;
    gates[H + k] = z;
    gates[2 * H + k] = n;
  }
}

// Gradients of the pre-activations: da of the input's side, db of the recurrent side (they differ in GRU's n only).
struct GateGradients {
  std::vector<double> da, db;
};

GateGradients rnn_backward(const Problem &problem, const StepRecord &step, const double *dh) {
  GateGradients gradients;
  for (int64_t k = 0; k < problem.H; ++k) {
    const double activated = step.gates[k];
    const double slope = problem.cell == Cell::rnn_tanh ? 1.0 - activated * activated : (activated <= 0 ? 0.0 : 1.0);
    gradients.da.push_back(dh[k] * slope);
  }
  gradients.db = gradients.da;
  return gradients;
}

// du [H]: the gradient of o*tanh(c). dc leaves as the gradient of c_before.
GateGradients lstm_backward(const Problem &problem, const StepRecord &step, const std::vector<double> &du, double *dc) {
  const int64_t H = problem.H;
  GateGradients gradients;
  gradients.da.resize(static_cast<std::size_t>(4 * H));
  double *da = gradients.da.data();
  for (int64_t k = 0; k < H; ++k) {
    const double i = step.gates[k];
    const double f = step.gates[H + k];
    const double g = step.gates[2 * H + k];
    const double o = step.gates[3 * H + k];
    const double squashed = std::tanh(step.c[k]);
    const double dunprojected = du[static_cast<std::size_t>(k)];
    const double dcell = dc[k] + dunprojected * o * (1.0 - squashed * squashed);
    da[k] = dcell * g * i * (1.0 - i);
    da[H + k] = dcell * step.c_before[k] * f * (1.0 - f);
    da[2 * H + k] = dcell * i * (1.0 - g * g);
    da[3 * H + k] = dunprojected * squashed * o * (1.0 - o);
    dc[k] = dcell * f;
  }
  gradients.db = gradients.da;
  return gradients;
}

// dh leaves as its direct part, z*dh; the part through W_hh is added by the caller.
GateGradients gru_backward(const Problem &problem, const StepRecord &step, double *dh) {
  const int64_t H = problem.H;
  GateGradients gradients;
  gradients.da.resize(static_cast<std::size_t>(3 * H));
  double *da = gradients.da.data();
  for (int64_t k = 0; k < H; ++k) {
    const double r = step.gates[k];
    const double z = step.gates[H + k];
    const double n = step.gates[2 * H + k];
    da[2 * H + k] = dh[k] * (1.0 - z) * (1.0 - n * n);
    da[H + k] = dh[k] * (step.h_before[k] - n) * z * (1.0 - z);
    da[k] = da[2 * H + k] * step.recurrent_n[k] * r * (1.0 - r);
    dh[k] *= z;
  }
  gradients.db = gradients.da;
  for (int64_t k = 0; k < H; ++k) gradients.db[static_cast<std::size_t>(2 * H + k)] *= step.gates[k];
  return gradients;
}

}  // namespace

void step_forward(const Problem &problem, int64_t in, const LayerParams<const double> &params, StepRecord &step) {
  const int64_t gate_rows = problem.gates() * problem.H;
  std::vector<double> recurrent(static_cast<std::size_t>(gate_rows), 0.0);
  for (int64_t k = 0; k < gate_rows; ++k) {
    step.gates[k] = params.bias_ih == nullptr ? 0.0 : params.bias_ih[k];
    recurrent[static_cast<std::size_t>(k)] = params.bias_hh == nullptr ? 0.0 : params.bias_hh[k];
  }
  add_product(params.weight_ih, step.x, gate_rows, in, step.gates);
  add_product(params.weight_hh, step.h_before, gate_rows, problem.O(), recurrent.data());
  if (problem.cell == Cell::gru) {
    gru_forward(problem, recurrent, step);
  } else {
    add(recurrent.data(), gate_rows, step.gates);
    if (problem.cell == Cell::lstm) lstm_forward(problem, params, step);
  }
  if (problem.cell == Cell::rnn_tanh || problem.cell == Cell::rnn_relu) {
    for (int64_t k = 0; k < problem.H; ++k) {
      step.gates[k] = problem.cell == Cell::rnn_tanh ? std::tanh(step.gates[k]) : relu(step.gates[k]);
      step.h[k] = step.gates[k];
    }
  }
  for (int64_t k = 0; k < problem.O(); ++k) step.h[k] = rounded(problem, step.h[k]);
  for (int64_t k = 0; k < gate_rows; ++k) step.gates[k] = rounded(problem, step.gates[k]);
}

void step_backward(const Problem &problem, int64_t in, const LayerParams<const double> &params, const StepRecord &step,
                   double *dh, double *dc, double *dx, const LayerParams<double> &gradients) {
  const int64_t H = problem.H;
  const int64_t O = problem.O();
  const int64_t gate_rows = problem.gates() * H;
  GateGradients gate_gradients;
  if (problem.cell == Cell::lstm) {
    std::vector<double> du(static_cast<std::size_t>(H), 0.0);
    for (int64_t k = 0; k < O; ++k) dh[k] = problem.P > 0 ? rounded(problem, dh[k]) : dh[k];
    if (problem.P > 0) {
      add_outer_product(dh, step.unprojected, problem.P, H, gradients.weight_hr);
      add_transposed_product(params.weight_hr, dh, problem.P, H, du.data());
    } else {
      du.assign(dh, dh + H);
    }
    gate_gradients = lstm_backward(problem, step, du, dc);
  } else if (problem.cell == Cell::gru) {
    gate_gradients = gru_backward(problem, step, dh);
  } else {
    gate_gradients = rnn_backward(problem, step, dh);
  }
  // Only GRU's h reaches the next one directly.
  if (problem.cell != Cell::gru) {
    for (int64_t k = 0; k < O; ++k) dh[k] = 0.0;
  }
  for (double &value : gate_gradients.da) value = rounded(problem, value);
  for (double &value : gate_gradients.db) value = rounded(problem, value);
  const double *da = gate_gradients.da.data();
  const double *db = gate_gradients.db.data();
  add_transposed_product(params.weight_ih, da, gate_rows, in, dx);
  add_transposed_product(params.weight_hh, db, gate_rows, O, dh);
  add_outer_product(da, step.x, gate_rows, in, gradients.weight_ih);
  add_outer_product(db, step.h_before, gate_rows, O, gradients.weight_hh);
  add(da, gate_rows, gradients.bias_ih);
  add(db, gate_rows, gradients.bias_hh);
}

}  // namespace rondo::test
