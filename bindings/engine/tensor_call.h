#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/native/TypeProperties.h>
#include <c10/util/Optional.h>

#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor.h"
#include "bindings/registry.h"

namespace crescent {

// How a row of an operation table becomes a Lua function. A row is a name and a lambda; the types
// of the lambda's parameters say how each argument is read, checked and converted:
//
//   row<Compute::real, [](const Tensor& x, Dim dim) { return at::softmax(x, dim);
//   }>("tensor:softmax")
//
// reads a tensor and a dimension that counts from 1, refuses a dimension that `x` does not have,
// turns integers and 16-bit floats into what CPUs compute with, and pushes the result.

/// What happens to values before the operation sees them. 16-bit floats on a CPU are computed in
/// float32 and rounded once at the end: LibTorch 1.13 lacks half of its operators for them, and the
/// results then don't depend on its version.
enum class Compute {
  exact,  ///< nothing: operations on shape, and exact ones
  wide,   ///< 16-bit floats on a CPU go through float32
  real,   ///< that, and integers and booleans become float32
};

using at::Tensor;

struct Dim {  ///< absent: the last
  int64_t value;
  operator int64_t() const { return value; }
};
struct FirstDim {  ///< absent: the first
  int64_t value;
  operator int64_t() const { return value; }
};
struct NewDim {  ///< a place in a result that has one dimension more; absent: the first
  int64_t value;
  operator int64_t() const { return value; }
};
struct TwoDims {  ///< absent: the last two
  int64_t a, b;
};
struct MaybeDim {  ///< absent: the whole tensor as one list
  c10::optional<int64_t> value;
};
struct Dims {  ///< one or several; absent: all
  std::vector<int64_t> values;
  operator at::IntArrayRef() const { return values; }
};
struct Shape {  ///< sizes, as they are
  std::vector<int64_t> values;
  operator at::IntArrayRef() const { return values; }
};
struct PositionList {  ///< in the dimension read before; int64, from 0
  Tensor value;
};
struct Position {  ///< in the dimension read before
  int64_t value;
  operator int64_t() const { return value; }
};
struct LastPosition : Position {};  ///< absent: the last one
struct Step {                       ///< absent: 1
  int64_t value;
  operator int64_t() const { return value; }
};
struct Whole {  ///< an integer that is no place; absent: 0
  int64_t value;
  operator int64_t() const { return value; }
};
struct Number {  ///< integral numbers are integers, so that int64 + 1 stays int64
  at::Scalar value;
};
struct Mask {  ///< a bool tensor that fits the first one by broadcasting
  Tensor value;
};
struct MaybeTensor {
  c10::optional<Tensor> value;
};
struct Tensors {
  std::vector<Tensor> values;
};
/// Two operands, each a tensor or a number, whose shapes fit by broadcasting: each other's, and
/// that of the tensor in front of them if there is one.
struct Pair {
  Tensor a, b;
};
/// Two operands of a matrix product.
struct MatrixPair {
  Tensor a, b;
};

template <size_t N>
struct OptionName {
  char text[N];
  constexpr OptionName(const char (&name)[N]) {  // NOLINT: the table reads better without its name
    for (size_t i = 0; i < N; ++i) text[i] = name[i];
  }
  constexpr operator std::string_view() const { return {text, N - 1}; }
};
template <OptionName name>
struct Flag {
  bool value;
  operator bool() const { return value; }
};
template <OptionName name>
struct Real {
  double value;
  operator double() const { return value; }
};

struct ValuesAndPositions {
  Tensor values, positions;
};
struct Positions {
  Tensor positions;
};

/// Reads the arguments of one call in order.
class TensorCall {
 public:
  TensorCall(const Args& args, Compute compute) : args_(args), compute_(compute) {}
  const Args& args() const { return args_; }

  void read(Tensor& out) { out = tensor(); }
  void read(Dim& out);
  void read(FirstDim& out);
  void read(NewDim& out);
  void read(TwoDims& out);
  void read(MaybeDim& out);
  void read(Dims& out);
  void read(Shape& out);
  void read(Position& out);
  void read(PositionList& out);
  void read(LastPosition& out);
  void read(Step& out);
  void read(Whole& out) { out.value = args_.integer(next_++); }
  void read(Number& out);
  void read(Mask& out);
  void read(MaybeTensor& out);
  void read(Tensors& out);
  void read(Pair& out);
  void read(MatrixPair& out);
  template <OptionName name>
  void read(Flag<name>& out) {
    out.value = args_.boolean(name);
  }
  template <OptionName name>
  void read(Real<name>& out) {
    out.value = args_.number(name);
  }
  /// Words out of a choice, or the fallback's.
  void read(std::string_view& out) {
    out = args_.has(next_) ? args_.text(next_) : std::string_view();
    ++next_;
  }

  int push(Tensor result);
  int push(ValuesAndPositions result);
  int push(Positions result);
  int push(bool result);
  /// An operation that gives one thing with a dimension and another without.
  template <class... R>
  int push(std::variant<R...> result) {
    return std::visit([this](auto& one) { return push(std::move(one)); }, result);
  }

 private:
  Tensor tensor();
  at::ScalarType computed_type(const Tensor& tensor) const;
  Tensor prepared(const Tensor& tensor);
  Tensor tensor_or_number(int beside);
  int64_t dimension_or(int64_t fallback, int64_t dimensions);
  void check_broadcast(at::IntArrayRef a, at::IntArrayRef b) const;
  int64_t dimensions() const { return static_cast<int64_t>(sizes_.size()); }

  const Args& args_;
  Compute compute_;
  int next_ = 1;
  bool first_ = true;
  Tensor kept_;                         ///< the first tensor: a finaliser may close its handle
  at::IntArrayRef sizes_;               ///< of it
  int64_t dimension_ = 0;               ///< the one read last
  bool widened_ = false;                ///< some 16-bit float was
  at::native::ResultTypeState result_;  ///< what LibTorch would give for the tensors read so far
};

namespace detail {

template <class P>
constexpr int arguments_of() {
  if constexpr (std::is_same_v<P, Pair> || std::is_same_v<P, MatrixPair> ||
                std::is_same_v<P, TwoDims>)
    return 2;
  else return 1;
}
template <class P>
constexpr bool is_option = false;
template <OptionName name>
constexpr bool is_option<Flag<name>> = true;
template <OptionName name>
constexpr bool is_option<Real<name>> = true;

template <class R, class C, class... P>
struct Signature {
  static constexpr int arguments =
      (0 + ... + (is_option<std::decay_t<P>> ? 0 : arguments_of<std::decay_t<P>>()));

  template <class F>
  static int call(TensorCall& call, const F& function) {
    std::tuple<std::decay_t<P>...> values{};
    std::apply([&](auto&... value) { (call.read(value), ...); }, values);
    return call.push(with_memory(call.args(), [&] { return std::apply(function, values); }));
  }
};
template <class R, class C, class... P>
Signature<R, C, P...> signature(R (C::*)(P...) const);

template <class F>
using SignatureOf = decltype(signature(&F::operator()));

}  // namespace detail

template <Compute compute, auto function>
int call_tensor(Args& args) {
  const at::NoGradGuard no_grad;
  TensorCall call(args, compute);
  return detail::SignatureOf<decltype(function)>::call(call, function);
}

struct TensorRow {
  std::string_view name;
  int arguments;  ///< how many the lambda reads; must be what the api table declares
  Implementation function;
};

template <Compute compute, auto function>
consteval TensorRow row(std::string_view name) {
  return {name, detail::SignatureOf<decltype(function)>::arguments,
          &call_tensor<compute, function>};
}

/// Hands rows to the registry. @throws Error if a row reads another number of arguments than the
/// api table declares.
void provide_rows(std::span<const TensorRow> rows);

}  // namespace crescent
