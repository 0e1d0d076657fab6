// Layers, weights and calls of one shape on oneDNN. Final states are not asked for: its bf16 kernels refuse the final c
// where the initial one is absent, and what it saves is one row in T.
#include "onednn_rnn.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "onednn_api.h"

namespace rondo::bench {
namespace {

using dnnl::memory;
using dnnl::prop_kind;
using Tag = memory::format_tag;
using Type = memory::data_type;

// Layers, directions, input, gates, output: what the letters of its tags stand for.
memory::dims weight_dims(const Shape &shape, int64_t layers, int64_t input) {
  return {layers, shape.D, input, shape.gates(), shape.H};
}

Type storage_type(rondo_dtype_t dtype) {
  switch (dtype) {
    case RONDO_F32:
      return Type::f32;
    case RONDO_F16:
      return Type::f16;
    case RONDO_BF16:
      return Type::bf16;
    default:
      throw std::runtime_error("oneDNN has no recurrent networks in f64");
  }
}

// Which of our gates lies at each of oneDNN's places: i f c o there is our i f g o, u r o our z r n.
int64_t our_gate(const Shape &shape, int64_t place) {
  constexpr std::array<int64_t, 3> gru{1, 0, 2};
  return shape.cell == RONDO_CELL_GRU ? gru.at(static_cast<size_t>(place)) : place;
}

std::vector<double> decoded(rondo_dtype_t dtype, const std::vector<unsigned char> &bytes) {
  std::vector<double> values(bytes.size() / rondo::gpu::element_size(dtype));
  rondo::test::decode(rondo::gpu::test_dtype(dtype), bytes.data(), values.size(), values.data());
  return values;
}

memory filled(const Machine &machine, const memory::desc &description, const std::vector<unsigned char> &bytes) {
  memory result(description, machine.engine);
  std::memcpy(result.get_data_handle(), bytes.data(), bytes.size());
  return result;
}

// oneDNN adds to weights' gradients, so a call that computes them alone begins with zeros. In its own threads, as its
// own kernels would do it.
void clear(const memory &values) {
  auto *bytes = static_cast<char *>(values.get_data_handle());
  const auto size = static_cast<int64_t>(values.get_desc().get_size());
  constexpr int64_t piece = 1 << 17;
#ifdef _OPENMP
#pragma omp parallel for schedule(static) if (size > piece)
#endif
  for (int64_t at = 0; at < size; at += piece) {
    std::memset(bytes + at, 0, static_cast<size_t>(std::min(piece, size - at)));
  }
}

}  // namespace

Packed::Packed(const Machine &machine, const memory &plain, const memory::desc &wanted)
    : plain_(plain), packed_(plain) {
  if (wanted == plain.get_desc()) return;
  packed_ = memory(wanted, machine.engine);
  reorder_ = dnnl::reorder(plain_, packed_);
  pack(machine);
}

void Packed::pack(const Machine &machine) const {
  if (reorder_) reorder_.execute(machine.stream, {{DNNL_ARG_FROM, plain_}, {DNNL_ARG_TO, packed_}});
}

LayerGroup::LayerGroup(const Machine &machine, const Shape &shape, int64_t first, int64_t count, Inference inference,
                       Activations activations)
    : machine_(machine),
      shape_(shape),
      first_(first),
      count_(count),
      forward_kind_(shape.is_training() || inference == Inference::AsTraining ? prop_kind::forward_training
                                                                              : prop_kind::forward_inference),
      activations_(std::move(activations)) {
  weights_layer_ = weights(0, features());
  weights_iter_ = weights(1, shape_.H);
  bias_ = bias();
  describe();
  bind();
}

int64_t LayerGroup::features() const { return first_ == 0 ? shape_.I : shape_.D * shape_.H; }

// Parameter `which` of the group's k-th layer and direction: two matrices [gate, output, input], two biases.
std::vector<unsigned char> LayerGroup::param(int64_t k, int64_t which, int64_t count) const {
  const int64_t array = rondo::gpu::first_param_array + 4 * (first_ * shape_.D + k) + which;
  return rondo::gpu::pool_values(shape_.dtype, count, param_bound(shape_), array);
}

memory LayerGroup::weights(int64_t which, int64_t input) const {
  const int64_t G = shape_.gates();
  const memory::dims dims = weight_dims(shape_, count_, input);
  std::vector<unsigned char> all;
  for (int64_t k = 0; k < count_ * shape_.D; ++k) {
    const auto values = param(k, which, G * shape_.H * input);
    const auto block = static_cast<int64_t>(values.size()) / G;
    for (int64_t place = 0; place < G; ++place) {
      const auto from = values.begin() + our_gate(shape_, place) * block;
      all.insert(all.end(), from, from + block);
    }
  }
  const memory ours = filled(machine_, {dims, storage_type(shape_.dtype), Tag::ldgoi}, all);
  memory theirs({dims, storage_type(shape_.dtype), Tag::ldigo}, machine_.engine);
  dnnl::reorder(ours, theirs).execute(machine_.stream, {{DNNL_ARG_FROM, ours}, {DNNL_ARG_TO, theirs}});
  machine_.stream.wait();
  return theirs;
}

// Our two biases are one there, except that the GRU's n keeps them apart: its hidden one comes fourth.
memory LayerGroup::bias() const {
  const int64_t G = shape_.gates();
  const int64_t H = shape_.H;
  const int64_t places = shape_.cell == RONDO_CELL_GRU ? G + 1 : G;
  memory result({{count_, shape_.D, places, H}, Type::f32, Tag::ldgo}, machine_.engine);
  auto *to = static_cast<float *>(result.get_data_handle());
  for (int64_t k = 0; k < count_ * shape_.D; ++k) {
    const auto from_input = decoded(shape_.dtype, param(k, 2, G * H));
    const auto from_hidden = decoded(shape_.dtype, param(k, 3, G * H));
    for (int64_t place = 0; place < places; ++place) {
      const bool has_input = place < G;
      const bool has_hidden = places == G || place != G - 1;
      const auto gate = static_cast<size_t>(our_gate(shape_, std::min(place, G - 1)) * H);
      for (size_t at = gate; at < gate + static_cast<size_t>(H); ++at) {
        *to++ = static_cast<float>((has_input ? from_input[at] : 0) + (has_hidden ? from_hidden[at] : 0));
      }
    }
  }
  return result;
}

template <class Primitive>
void LayerGroup::keep_forward(const typename Primitive::primitive_desc &description) {
  forward_description_ = description;
  forward_ = Primitive(description);
}

template <class Primitive>
void LayerGroup::keep_backward(const typename Primitive::primitive_desc &description) {
  backward_description_ = description;
  backward_ = Primitive(description);
}

// The cells without c.
template <class Forward, class Backward, class... Head>
void LayerGroup::describe_plain(const Head &...head) {
  const memory::desc none;
  const auto x = activations_.x.get_desc();
  const auto y = activations_.y.get_desc();
  const auto biases = bias_.get_desc();
  const auto forward = describe_forward<Forward>(machine_.engine, forward_kind_, head..., x, none, any_layer_,
                                                 any_iter_, biases, y, none);
  keep_forward<Forward>(forward);
  if (!shape_.is_training()) return;
  keep_backward<Backward>(describe_backward<Backward>(
      machine_.engine, forward, prop_kind::backward, head..., x, none, any_layer_, any_iter_, biases, y, none,
      activations_.dx.get_desc(), none, dweights_layer_.get_desc(), dweights_iter_.get_desc(), dbias_.get_desc(),
      activations_.dy.get_desc(), none));
}

void LayerGroup::describe_lstm() {
  const memory::desc none;
  const auto x = activations_.x.get_desc();
  const auto y = activations_.y.get_desc();
  const auto biases = bias_.get_desc();
  const auto direction =
      shape_.D == 2 ? dnnl::rnn_direction::bidirectional_concat : dnnl::rnn_direction::unidirectional_left2right;
  const auto forward = describe_forward<dnnl::lstm_forward>(machine_.engine, forward_kind_, direction, x, none, none,
                                                            any_layer_, any_iter_, biases, y, none, none);
  keep_forward<dnnl::lstm_forward>(forward);
  if (!shape_.is_training()) return;
  keep_backward<dnnl::lstm_backward>(describe_backward<dnnl::lstm_backward>(
      machine_.engine, forward, prop_kind::backward, direction, x, none, none, any_layer_, any_iter_, biases, y, none,
      none, activations_.dx.get_desc(), none, none, dweights_layer_.get_desc(), dweights_iter_.get_desc(),
      dbias_.get_desc(), activations_.dy.get_desc(), none, none));
}

void LayerGroup::describe() {
  const auto type = storage_type(shape_.dtype);
  const auto layer_dims = weight_dims(shape_, count_, features());
  const auto iter_dims = weight_dims(shape_, count_, shape_.H);
  any_layer_ = {layer_dims, type, Tag::any};
  any_iter_ = {iter_dims, type, Tag::any};
  if (shape_.is_training()) {  // gradients are f32 whatever the storage
    dweights_layer_ = memory({layer_dims, Type::f32, Tag::ldigo}, machine_.engine);
    dweights_iter_ = memory({iter_dims, Type::f32, Tag::ldigo}, machine_.engine);
    dbias_ = memory(bias_.get_desc(), machine_.engine);
  }
  const auto direction =
      shape_.D == 2 ? dnnl::rnn_direction::bidirectional_concat : dnnl::rnn_direction::unidirectional_left2right;
  switch (shape_.cell) {
    case RONDO_CELL_LSTM:
      describe_lstm();
      break;
    case RONDO_CELL_GRU:
      describe_plain<dnnl::lbr_gru_forward, dnnl::lbr_gru_backward>(direction);
      break;
    case RONDO_CELL_RNN_TANH:
    case RONDO_CELL_RNN_RELU:
      describe_plain<dnnl::vanilla_rnn_forward, dnnl::vanilla_rnn_backward>(
          shape_.cell == RONDO_CELL_RNN_RELU ? dnnl::algorithm::eltwise_relu : dnnl::algorithm::eltwise_tanh,
          direction);
      break;
    default:
      throw std::runtime_error("oneDNN has no such cell");
  }
}

void LayerGroup::bind() {
  const auto wanted = [](const dnnl::primitive_desc_base &description, int argument) {
    return description.query_md(dnnl::query::exec_arg_md, argument);
  };
  forward_layer_ = Packed(machine_, weights_layer_, wanted(forward_description_, DNNL_ARG_WEIGHTS_LAYER));
  forward_iter_ = Packed(machine_, weights_iter_, wanted(forward_description_, DNNL_ARG_WEIGHTS_ITER));
  forward_arguments_ = {{DNNL_ARG_SRC_LAYER, activations_.x},
                        {DNNL_ARG_WEIGHTS_LAYER, forward_layer_.values()},
                        {DNNL_ARG_WEIGHTS_ITER, forward_iter_.values()},
                        {DNNL_ARG_BIAS, bias_},
                        {DNNL_ARG_DST_LAYER, activations_.y}};
  if (forward_kind_ == prop_kind::forward_inference) return;
  forward_arguments_[DNNL_ARG_WORKSPACE] = memory(wanted(forward_description_, DNNL_ARG_WORKSPACE), machine_.engine);
  if (!shape_.is_training()) return;
  backward_layer_ = Packed(machine_, weights_layer_, wanted(backward_description_, DNNL_ARG_WEIGHTS_LAYER));
  backward_iter_ = Packed(machine_, weights_iter_, wanted(backward_description_, DNNL_ARG_WEIGHTS_ITER));
  backward_arguments_ = forward_arguments_;
  backward_arguments_[DNNL_ARG_WEIGHTS_LAYER] = backward_layer_.values();
  backward_arguments_[DNNL_ARG_WEIGHTS_ITER] = backward_iter_.values();
  backward_arguments_[DNNL_ARG_DIFF_DST_LAYER] = activations_.dy;
  backward_arguments_[DNNL_ARG_DIFF_SRC_LAYER] = activations_.dx;
  backward_arguments_[DNNL_ARG_DIFF_WEIGHTS_LAYER] = dweights_layer_;
  backward_arguments_[DNNL_ARG_DIFF_WEIGHTS_ITER] = dweights_iter_;
  backward_arguments_[DNNL_ARG_DIFF_BIAS] = dbias_;
}

void LayerGroup::forward() {
  if (shape_.is_training()) {
    forward_layer_.pack(machine_);
    forward_iter_.pack(machine_);
  }
  forward_.execute(machine_.stream, forward_arguments_);
}

void LayerGroup::backward() {
  backward_layer_.pack(machine_);
  backward_iter_.pack(machine_);
  for (const memory &gradient : {dweights_layer_, dweights_iter_, dbias_}) clear(gradient);
  backward_.execute(machine_.stream, backward_arguments_);
}

std::string LayerGroup::explain() const {
  std::string text = std::string("forward ") + forward_description_.impl_info_str();
  if (shape_.is_training()) text += std::string(", backward ") + backward_description_.impl_info_str();
  const bool is_plain = forward_layer_.values().get_desc() == weights_layer_.get_desc();
  return text + (is_plain ? ", weights plain" : ", weights packed");
}

// One primitive takes several layers only where each has the first one's input size, and one direction only.
OnednnRnn::OnednnRnn(const Shape &shape, Inference inference) : shape_(shape) {
  if (shape.sequence == RONDO_SEQUENCE_PACKED) throw std::runtime_error("oneDNN has no packed sequences");
  std::vector<std::pair<int64_t, int64_t>> parts;
  for (int64_t layer = 0; layer < shape.L;) {
    const bool alone = shape.D == 2 || (layer == 0 && shape.I != shape.H);
    parts.emplace_back(layer, alone ? 1 : shape.L - layer);
    layer += parts.back().second;
  }
  const auto type = storage_type(shape.dtype);
  const auto rows = [&](int64_t features, Type of) {
    return memory({{shape.T, shape.N, features}, of, Tag::tnc}, machine_.engine);
  };
  const auto drawn = [&](int64_t features, int64_t array) {
    return rondo::gpu::pool_values(shape.dtype, shape.T * shape.N * features, rondo::gpu::data_bound, array);
  };
  const int64_t wide = shape.D * shape.H;
  Activations at;
  at.y = filled(machine_, {{shape.T, shape.N, shape.I}, type, Tag::tnc}, drawn(shape.I, rondo::gpu::x_array));
  if (shape.is_training()) at.dy = rows(shape.I, Type::f32);
  groups_.reserve(parts.size());
  for (const auto &[first, count] : parts) {
    at = {at.y, rows(wide, type), at.dy, shape.is_training() ? rows(wide, Type::f32) : memory()};
    groups_.emplace_back(machine_, shape, first, count, inference, at);
  }
  y_ = at.y;
  if (shape.is_training()) {
    const auto values = decoded(shape.dtype, drawn(wide, rondo::gpu::dy_array));
    std::copy(values.begin(), values.end(), static_cast<float *>(at.dy.get_data_handle()));
  }
}

void OnednnRnn::enqueue() {
  for (LayerGroup &group : groups_) group.forward();
  if (!shape_.is_training()) return;
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) group->backward();
}

void OnednnRnn::wait() { machine_.stream.wait(); }

// Beyond a row's length oneDNN computes on, so with lengths y is not comparable and there is no probe.
std::vector<double> OnednnRnn::probe() {
  if (shape_.sequence != RONDO_SEQUENCE_FULL) return {};
  const auto element = rondo::gpu::element_size(shape_.dtype);
  const auto *y = static_cast<const unsigned char *>(y_.get_data_handle());
  const auto elements = static_cast<int64_t>(y_.get_desc().get_size() / element);
  std::vector<double> values(static_cast<size_t>(rondo::gpu::probe_count));
  for (int64_t k = 0; k < rondo::gpu::probe_count; ++k) {
    const auto at = static_cast<size_t>(rondo::gpu::probe_index(k, elements)) * element;
    rondo::test::decode(rondo::gpu::test_dtype(shape_.dtype), y + at, 1, &values[static_cast<size_t>(k)]);
  }
  const bool finite = std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  if (!finite) throw std::runtime_error("y is not finite");
  return values;
}

std::string OnednnRnn::explain() {
  std::string text = groups_.front().explain();
  if (groups_.size() > 1) text += ", " + std::to_string(groups_.size()) + " primitives";
  return text;
}

std::string onednn_name() {
  const dnnl::version_t *version = dnnl::version();
  return "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
}

}  // namespace rondo::bench
