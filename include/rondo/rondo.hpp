// rondo for C++17: rondo.h with owning handles, typed views and exceptions, and nothing else; its comments hold here.
// An empty view is an absent array (NULL), so an output whose container was never filled is simply not written.
#ifndef RONDO_RONDO_HPP
#define RONDO_RONDO_HPP

#include <rondo/rondo.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo {
inline namespace cpp17 {  // no symbol of a program meets one inside the static library

class error : public std::runtime_error {
 public:
  error(rondo_status_t status, const std::string &text) : std::runtime_error(text), status_(status) {}
  rondo_status_t status() const noexcept { return status_; }

 private:
  rondo_status_t status_;
};

// For any call of rondo.h: what the library says becomes an exception.
inline void check(rondo_status_t status) {
  if (status != RONDO_OK) throw error(status, rondo_last_error());
}

namespace detail {
inline void append(std::string &text, const char *piece) { text.append(piece); }
inline void append(std::string &text, std::int64_t number) { text.append(std::to_string(number)); }

template <class... Pieces>
void require(bool holds, Pieces... pieces) {
  if (holds) return;
  std::string text;
  (append(text, pieces), ...);
  throw error(RONDO_ERROR_INVALID_ARGUMENT, text);
}

// The value that a call of rondo.h writes through its last argument.
template <class Value, class Call, class... Args>
Value ask(Call *call, Args... args) {
  Value value = Value();
  check(call(args..., &value));
  return value;
}

// -1 where one is negative; beyond int64 the largest int64: no view has so many elements.
inline std::int64_t product(std::int64_t a, std::int64_t b) {
  if (a < 0 || b < 0) return -1;
  return b > 0 && a > INT64_MAX / b ? INT64_MAX : a * b;
}
}  // namespace detail

// 16-bit numbers, as they cross. A type of your own with the same bits needs a dtype_of beside it.
enum class f16 : std::uint16_t {};
enum class bf16 : std::uint16_t {};
constexpr rondo_dtype_t dtype_of(const double *) { return RONDO_F64; }
constexpr rondo_dtype_t dtype_of(const float *) { return RONDO_F32; }
constexpr rondo_dtype_t dtype_of(const f16 *) { return RONDO_F16; }
constexpr rondo_dtype_t dtype_of(const bf16 *) { return RONDO_BF16; }

// Elements that belong to somebody else, on the host or a device. Made from lvalues only, which live longer than it.
template <class T>
class view {
  template <class U>
  using if_converts = std::enable_if_t<std::is_convertible_v<U (*)[], T (*)[]>>;

 public:
  view() = default;
  view(T *data, std::int64_t size) : data_(data), size_(size) {
    detail::require(size == 0 || (size > 0 && data != nullptr), "size is ", size, ", expected ",
                    data == nullptr ? "0, as data is null" : "0 or more");
  }
  template <class Container, class U = std::remove_pointer_t<decltype(std::data(std::declval<Container &>()))>,
            class = if_converts<U>>
  view(Container &container) : view(std::data(container), static_cast<std::int64_t>(std::size(container))) {}
  template <class U, class = if_converts<U>>
  view(const view<U> &other) : data_(other.data()), size_(other.size()) {}

  T *data() const noexcept { return data_; }
  std::int64_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T *begin() const noexcept { return data_; }
  T *end() const noexcept { return data_ + size_; }
  T &operator[](std::int64_t index) const noexcept { return data_[index]; }
  view part(std::int64_t offset, std::int64_t size) const {
    detail::require(offset >= 0 && offset <= size_ && size >= 0 && size <= size_ - offset, "part is ", size,
                    " elements from ", offset, ", expected a part of ", size_);
    return size == 0 ? view() : view(data_ + offset, size);
  }

 private:
  T *data_ = nullptr;
  std::int64_t size_ = 0;
};

using bytes = view<std::byte>;

// The memory of a container as bytes, as for workspace, reserve and packed parameters.
template <class Container>
bytes bytes_of(Container &container) {
  using element = std::remove_pointer_t<decltype(std::data(container))>;
  static_assert(std::is_trivially_copyable_v<element>, "bytes are written over the elements");
  const std::size_t size = std::size(container) * sizeof(element);
  return bytes(reinterpret_cast<std::byte *>(std::data(container)), static_cast<std::int64_t>(size));
}

// An array per parameter in rondo.h's order; of gradients some may be empty, which are then not computed.
template <class T>
class parameters {
 public:
  using pointer = std::conditional_t<std::is_const_v<T>, const void *, void *>;
  parameters() = default;
  explicit parameters(std::vector<view<T>> views) : views_(std::move(views)) {
    for (const view<T> &each : views_) pointers_.push_back(each.empty() ? nullptr : each.data());
  }
  template <class U, class = std::enable_if_t<std::is_same_v<const U, T> && !std::is_same_v<U, T>>>
  parameters(const parameters<U> &other)
      : parameters(std::vector<view<T>>(other.views().begin(), other.views().end())) {}

  std::int64_t size() const noexcept { return static_cast<std::int64_t>(views_.size()); }
  const view<T> &operator[](std::int64_t index) const noexcept { return views_[static_cast<std::size_t>(index)]; }
  const std::vector<view<T>> &views() const noexcept { return views_; }
  const pointer *pointers() const noexcept { return pointers_.empty() ? nullptr : pointers_.data(); }

 private:
  std::vector<view<T>> views_;
  std::vector<pointer> pointers_;
};

namespace detail {
template <class Handle>
class handle {
 public:
  Handle get() const noexcept { return owner_.get(); }

 protected:
  handle(Handle made, void (*destroy)(Handle)) noexcept : owner_(made, destroy) {}

 private:
  std::unique_ptr<std::remove_pointer_t<Handle>, void (*)(Handle)> owner_;
};

template <class T>
void check_dtype(const char *array, rondo_dtype_t expected) {
  constexpr const char *names[] = {"f64", "f32", "f16", "bf16"};  // in rondo_dtype_t's order
  const rondo_dtype_t given = dtype_of(static_cast<const T *>(nullptr));
  require(given == expected, array, " is ", names[given], ", expected ", names[expected]);
}

// Empty arrays pass: whether they may be absent is the library's to say, as is how many there must be.
template <class T>
void check_params(const char *array, const parameters<T> &given, rondo_dtype_t dtype,
                  const std::vector<std::int64_t> &sizes) {
  if (given.size() > 0) check_dtype<T>(array, dtype);
  for (std::int64_t k = 0; k < given.size() && k < static_cast<std::int64_t>(sizes.size()); ++k) {
    const std::int64_t size = given[k].size(), expected = sizes[static_cast<std::size_t>(k)];
    require(size == 0 || size == expected, array, "[", k, "] has ", size, " elements, expected ", expected);
  }
}
}  // namespace detail

class context : public detail::handle<rondo_context_t> {
 public:
  context() : handle(detail::ask<rondo_context_t>(rondo_context_create), rondo_context_destroy) {}
  void set_threads(std::int64_t threads) { check(rondo_context_set_threads(get(), threads)); }
  std::int64_t threads() const { return detail::ask<std::int64_t>(rondo_context_get_threads, get()); }
  void set_log(rondo_log_callback_t callback, void *user) { check(rondo_context_set_log(get(), callback, user)); }
};

class rnn : public detail::handle<rondo_rnn_t> {
 public:
  rnn() : handle(detail::ask<rondo_rnn_t>(rondo_rnn_create), rondo_rnn_destroy) {}

  // A floating-point number sets a float, any other an int.
  template <class Number>
  rnn &set(rondo_attribute_t attribute, Number value) {
    if constexpr (std::is_floating_point_v<Number>) {
      check(rondo_rnn_set_float(get(), attribute, static_cast<double>(value)));
    } else {
      check(rondo_rnn_set_int(get(), attribute, static_cast<std::int64_t>(value)));
    }
    return *this;
  }
  std::int64_t get_int(rondo_attribute_t attribute) const {
    return detail::ask<std::int64_t>(rondo_rnn_get_int, get(), attribute);
  }
  double get_float(rondo_attribute_t attribute) const {
    return detail::ask<double>(rondo_rnn_get_float, get(), attribute);
  }

  std::int64_t flat_size() const { return detail::ask<std::int64_t>(rondo_rnn_flat_size, get()); }
  std::int64_t param_count() const { return detail::ask<std::int64_t>(rondo_rnn_param_count, get()); }
  rondo_param_info_t param_info(std::int64_t index) const {
    rondo_param_info_t info = rondo_param_info_t();
    info.struct_size = sizeof info;
    check(rondo_rnn_param_info(get(), index, &info));
    return info;
  }
  std::vector<std::int64_t> param_sizes() const {
    std::vector<std::int64_t> sizes;
    for (std::int64_t k = 0; k < param_count(); ++k) {
      const rondo_param_info_t info = param_info(k);
      sizes.push_back(info.rows * info.columns);
    }
    return sizes;
  }
  // The parameters, or their gradients, in one buffer of flat_size() elements.
  template <class T>
  parameters<T> split(view<T> flat) const {
    detail::require(flat.size() == flat_size(), "flat has ", flat.size(), " elements, expected ", flat_size());
    std::vector<view<T>> views;
    for (const std::int64_t size : param_sizes()) {
      views.push_back(flat.part(views.empty() ? 0 : views.back().end() - flat.begin(), size));
    }
    return parameters<T>(std::move(views));
  }
  template <class T>
  void init_params(std::uint64_t seed, const parameters<T> &params) const {
    detail::check_params("params", params, static_cast<rondo_dtype_t>(get_int(RONDO_ATTR_DTYPE)), param_sizes());
    check(rondo_rnn_init_params(get(), seed, params.pointers(), params.size()));
  }
};

struct problem : rondo_plan_args_t {
  problem(rondo_mode_t how, rondo_sequence_t given, std::int64_t T, std::int64_t N, std::int64_t S = 0)
      : rondo_plan_args_t{sizeof(rondo_plan_args_t), how, given, T, N, S} {}
};

// rondo_batch_t.
struct batch {
  std::int64_t T = 0, N = 0, S = 0;
  view<const std::int64_t> lengths, batch_sizes, sorted_indices, device_lengths;
  view<const std::int32_t> lengths32, device_lengths32;
  std::uint32_t *device_faults = nullptr;
};

// What both calls need. State is the type of c0, cn and their gradients.
template <class Element, class State>
struct call : batch {
  view<const Element> x, h0;
  view<const State> c0;
  parameters<const Element> params;
  bytes workspace, reserve;
  void *stream = nullptr;
};

template <class Element, class State = Element>
struct forward_call : call<Element, State> {
  view<const std::byte> packed_params;
  view<Element> y, hn;
  view<State> cn;
  std::uint64_t seed = 0, offset = 0;
  const std::uint64_t *seed_ptr = nullptr, *offset_ptr = nullptr;
};

template <class Element, class State = Element, class Gradient = Element>
struct backward_call : call<Element, State> {
  view<const Element> y, dy, dhn;
  view<const State> dcn;
  view<Element> dx, dh0;
  view<State> dc0;
  parameters<Gradient> dparams;
  bool accumulate = false;
};

// Usable by several threads at once, as in C. Types and sizes of a call's views are checked here, as the library sees
// pointers only; all else is the library's to refuse.
class plan : public detail::handle<rondo_plan_t> {
 public:
  plan(const context &team, const rnn &what, const problem &largest)
      : handle(detail::ask<rondo_plan_t>(rondo_plan_create, team.get(), what.get(), &largest), rondo_plan_destroy),
        packed_(largest.sequence == RONDO_SEQUENCE_PACKED),
        storage_(static_cast<rondo_dtype_t>(what.get_int(RONDO_ATTR_DTYPE))),
        cell_state_(type_of(what, RONDO_ATTR_CELL_STATE_TYPE)),
        param_grad_(type_of(what, RONDO_ATTR_PARAM_GRAD_TYPE)),
        runs_(what.get_int(RONDO_ATTR_NUM_LAYERS) * (1 + what.get_int(RONDO_ATTR_BIDIRECTIONAL))),
        input_(what.get_int(RONDO_ATTR_INPUT_SIZE)),
        hidden_(what.get_int(RONDO_ATTR_HIDDEN_SIZE)),
        output_(what.get_int(RONDO_ATTR_PROJ_SIZE) > 0 ? what.get_int(RONDO_ATTR_PROJ_SIZE) : hidden_),
        y_width_(output_ * (1 + what.get_int(RONDO_ATTR_BIDIRECTIONAL))),
        param_sizes_(what.param_sizes()) {}

  std::int64_t workspace_size() const { return detail::ask<std::int64_t>(rondo_plan_workspace_size, get()); }
  std::int64_t reserve_size() const { return detail::ask<std::int64_t>(rondo_plan_reserve_size, get()); }
  std::int64_t packed_size() const { return detail::ask<std::int64_t>(rondo_plan_packed_size, get()); }
  std::uint64_t packed_format() const { return detail::ask<std::uint64_t>(rondo_plan_packed_format, get()); }
  rondo_device_t device() const { return detail::ask<rondo_device_t>(rondo_plan_device, get()); }
  const char *backend_name() const noexcept { return rondo_plan_backend_name(get()); }
  const char *explain() const noexcept { return rondo_plan_explain(get()); }

  template <class Element>
  void pack_params(const parameters<Element> &params, bytes packed) const {
    detail::check_params("params", params, storage_, param_sizes_);
    check(rondo_plan_pack_params(get(), params.pointers(), params.size(), packed.data(), packed.size()));
  }

  template <class Element, class State>
  void forward(const forward_call<Element, State> &given) const {
    rondo_forward_args_t args = rondo_forward_args_t();
    fill(given, &args);
    const std::int64_t packed = given.packed_params.size(), needed = packed_size();
    detail::require(packed == 0 || packed >= needed, "packed_params has ", packed, " bytes, expected ", needed);
    args.packed_params = given.packed_params.data();
    args.y = typed("y", given.y, storage_, steps(given), y_width_);
    args.hn = typed("hn", given.hn, storage_, states(given), output_);
    args.cn = typed("cn", given.cn, cell_state_, states(given), hidden_);
    args.seed = given.seed;
    args.offset = given.offset;
    args.seed_ptr = given.seed_ptr;
    args.offset_ptr = given.offset_ptr;
    check(rondo_forward(get(), &args));
  }

  template <class Element, class State, class Gradient>
  void backward(const backward_call<Element, State, Gradient> &given) const {
    rondo_backward_args_t args = rondo_backward_args_t();
    fill(given, &args);
    args.y = typed("y", given.y, storage_, steps(given), y_width_);
    args.dy = typed("dy", given.dy, storage_, steps(given), y_width_);
    args.dhn = typed("dhn", given.dhn, storage_, states(given), output_);
    args.dcn = typed("dcn", given.dcn, cell_state_, states(given), hidden_);
    args.dx = typed("dx", given.dx, storage_, steps(given), input_);
    args.dh0 = typed("dh0", given.dh0, storage_, states(given), output_);
    args.dc0 = typed("dc0", given.dc0, cell_state_, states(given), hidden_);
    detail::check_params("dparams", given.dparams, param_grad_, param_sizes_);
    const std::int64_t count = given.params.size(), dcount = given.dparams.size();  // one count crosses for both
    detail::require(dcount == 0 || dcount == count, "dparams has ", dcount, " arrays, expected ", count);
    args.dparams = given.dparams.pointers();
    args.accumulate = given.accumulate ? 1 : 0;
    check(rondo_backward(get(), &args));
  }

 private:
  static rondo_dtype_t type_of(const rnn &what, rondo_attribute_t or_f32) {
    const auto storage = static_cast<rondo_dtype_t>(what.get_int(RONDO_ATTR_DTYPE));
    return storage != RONDO_F64 && what.get_int(or_f32) == RONDO_AS_F32 ? RONDO_F32 : storage;
  }

  // Absent arrays pass, and all where T, N or S is negative.
  template <class Any>
  static Any *rows(const char *array, view<Any> values, std::int64_t count, std::int64_t width) {
    const std::int64_t expected = detail::product(count, width);
    detail::require(values.data() == nullptr || expected < 0 || values.size() == expected, array, " has ",
                    values.size(), " elements, expected ", expected, ": ", count, " rows of ", width);
    return values.data();
  }
  template <class Any>
  static Any *typed(const char *array, view<Any> values, rondo_dtype_t dtype, std::int64_t count, std::int64_t width) {
    if (!values.empty()) detail::check_dtype<Any>(array, dtype);
    return rows(array, values, count, width);
  }
  std::int64_t steps(const batch &given) const { return packed_ ? given.S : detail::product(given.T, given.N); }
  std::int64_t states(const batch &given) const { return detail::product(runs_, given.N); }

  template <class Element, class State, class Args>
  void fill(const call<Element, State> &given, Args *args) const {
    args->struct_size = sizeof *args;
    args->batch.T = given.T;
    args->batch.N = given.N;
    args->batch.S = given.S;
    args->batch.lengths = rows("lengths", given.lengths, given.N, 1);
    args->batch.lengths32 = rows("lengths32", given.lengths32, given.N, 1);
    args->batch.batch_sizes = rows("batch_sizes", given.batch_sizes, given.T, 1);
    args->batch.sorted_indices = rows("sorted_indices", given.sorted_indices, given.N, 1);
    args->batch.device_lengths = rows("device_lengths", given.device_lengths, given.N, 1);
    args->batch.device_lengths32 = rows("device_lengths32", given.device_lengths32, given.N, 1);
    args->batch.device_faults = given.device_faults;
    args->x = typed("x", given.x, storage_, steps(given), input_);
    args->h0 = typed("h0", given.h0, storage_, states(given), output_);
    args->c0 = typed("c0", given.c0, cell_state_, states(given), hidden_);
    detail::check_params("params", given.params, storage_, param_sizes_);
    args->params = given.params.pointers();
    args->param_count = given.params.size();
    args->workspace = given.workspace.data();
    args->workspace_size = given.workspace.size();
    args->reserve = given.reserve.data();
    args->reserve_size = given.reserve.size();
    args->stream = given.stream;
  }

  bool packed_;
  rondo_dtype_t storage_, cell_state_, param_grad_;
  std::int64_t runs_, input_, hidden_, output_, y_width_;  // runs: a direction of a layer each
  std::vector<std::int64_t> param_sizes_;
};

}  // namespace cpp17
}  // namespace rondo

#endif  // RONDO_RONDO_HPP
