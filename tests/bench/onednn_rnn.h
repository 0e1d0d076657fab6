// One shape on oneDNN itself, through its RNN primitives: the opponent at its best. Inference uses weights that were
// packed beforehand; a training call packs its own, because an optimizer would have changed them since the last.
#pragma once

#include <dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "gpu/peer.h"

namespace rondo::bench {

using rondo::gpu::Shape;

// Where primitives are made and run: the CPU, with the threads that OMP_NUM_THREADS names.
struct Machine {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  mutable dnnl::stream stream{engine};
};

// Values in the layout that a primitive prefers; where that is the layout they have, it is their own memory.
class Packed {
 public:
  Packed() = default;
  Packed(const Machine &machine, const dnnl::memory &plain, const dnnl::memory::desc &wanted);
  const dnnl::memory &values() const { return packed_; }
  void pack(const Machine &machine) const;

 private:
  dnnl::memory plain_, packed_;
  dnnl::reorder reorder_;
};

// How a forward call without a backward one is made. oneDNN has a kernel for inference and general matrix products for
// training, and the second can be the faster one, in a GRU of one row twice as fast.
enum class Inference { AsInference, AsTraining };

// What a group of layers reads and writes; the gradients are empty in inference.
struct Activations {
  dnnl::memory x, y, dx, dy;
};

// Layers that one primitive serves.
class LayerGroup {
 public:
  LayerGroup(const Machine &machine, const Shape &shape, int64_t first, int64_t count, Inference inference,
             Activations activations);
  void forward();
  void backward();
  std::string explain() const;

 private:
  int64_t features() const;  // of its input
  std::vector<unsigned char> param(int64_t k, int64_t which, int64_t count) const;
  dnnl::memory weights(int64_t which, int64_t input) const;  // as a caller holds them
  dnnl::memory bias() const;
  void describe();
  void describe_lstm();
  void bind();
  template <class Forward, class Backward, class... Head>
  void describe_plain(const Head &...head);
  template <class Primitive>
  void keep_forward(const typename Primitive::primitive_desc &description);
  template <class Primitive>
  void keep_backward(const typename Primitive::primitive_desc &description);

  const Machine &machine_;
  const Shape shape_;
  const int64_t first_, count_;
  const dnnl::prop_kind forward_kind_;
  const Activations activations_;
  dnnl::memory weights_layer_, weights_iter_, bias_;
  dnnl::memory::desc any_layer_, any_iter_;  // of the storage type
  dnnl::memory dweights_layer_, dweights_iter_, dbias_;
  dnnl::primitive_desc_base forward_description_, backward_description_;
  dnnl::primitive forward_, backward_;
  Packed forward_layer_, forward_iter_, backward_layer_, backward_iter_;
  std::unordered_map<int, dnnl::memory> forward_arguments_, backward_arguments_;
};

class OnednnRnn : public rondo::gpu::Variant {
 public:
  // Throws where oneDNN has no primitive for the shape.
  OnednnRnn(const Shape &shape, Inference inference);
  void enqueue() override;
  void wait() override;
  std::vector<double> probe() override;
  std::string explain() override;

 private:
  const Machine machine_;
  const Shape shape_;
  dnnl::memory y_;
  std::vector<LayerGroup> groups_;
};

// The library that is loaded, for instance "oneDNN 3.14.0".
std::string onednn_name();

}  // namespace rondo::bench
