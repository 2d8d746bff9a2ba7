// Operations that compute: one row each. Names are Lua's; the api table says what they mean.
#include <ATen/ops/abs.h>
#include <ATen/ops/add.h>
#include <ATen/ops/all.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/any.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/argmin.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/cumsum.h>
#include <ATen/ops/div.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gt.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/le.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/max.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/min.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ne.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/remainder.h>
#include <ATen/ops/result_type.h>
#include <ATen/ops/round.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/std.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/var.h>

#include "bindings/engine/tensor_call.h"
#include "bindings/engine/tensor_parts.h"
#include "engine/error.h"

namespace crescent {
namespace {

using KeepDim = Flag<"keepdim">;
using Unbiased = Flag<"unbiased">;
using TensorOrBoth = std::variant<Tensor, ValuesAndPositions>;

ValuesAndPositions both(std::tuple<Tensor, Tensor> result) {
  return {std::move(std::get<0>(result)), std::move(std::get<1>(result))};
}

Tensor normalized(const Tensor& x, const MaybeTensor& weight, const MaybeTensor& bias, double eps) {
  if (x.dim() == 0) fail("expected at least 1 dimension, got a tensor of shape ()");
  const int64_t width = x.size(-1);
  for (const auto& [name, given] : {std::pair{"weight", &weight.value}, {"bias", &bias.value}})
    if (*given && (*given)->sizes() != at::IntArrayRef{width})
      fail("{}: expected shape ({}), as wide as the last dimension, got {}", name, width,
           shape_words((*given)->sizes()));
  return at::layer_norm(x, {width}, weight.value, bias.value, eps);
}

Tensor svd_values(const Tensor& x) {
  if (x.dim() < 2) fail("expected a matrix or a stack of them, got {}", describe_tensor(x));
  return at::linalg_svdvals(x);
}

ValuesAndPositions top_of(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  const int64_t length = x.dim() == 0 ? 1 : x.size(dim);
  if (k > length)
    fail("k: expected at most {}, the length of dimension {}, got {}", length, dim + 1, k);
  return both(at::topk(x, k, dim, largest, /*sorted=*/true));
}

/// Nothing has neither a largest nor a smallest.
void refuse_empty(const Tensor& x, const MaybeDim& dim) {
  if (!dim.value && x.numel() == 0)
    fail("expected at least one element, got {}", describe_tensor(x));
  if (dim.value && x.dim() > 0 && x.size(*dim.value) == 0)
    fail("expected at least one element in dimension {}, got {}", *dim.value + 1,
         describe_tensor(x));
}

Tensor sum_of(const Tensor& x, const Dims& dims, bool keepdim) {
  return at::sum(x, at::OptionalIntArrayRef(dims), keepdim);
}

bool all_close(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  if (a.sizes() != b.sizes())
    fail("shapes {} and {} differ", shape_words(a.sizes()), shape_words(b.sizes()));
  const at::ScalarType type = at::result_type(a, b);
  return at::allclose(a.to(type), b.to(type), rtol, atol, equal_nan);
}

// Both as a method (`a:add(b)`) and as an operator (`a + b`, `2 - a`).
constexpr auto add = [](const Pair& p) { return at::add(p.a, p.b); };
constexpr auto sub = [](const Pair& p) { return at::sub(p.a, p.b); };
constexpr auto mul = [](const Pair& p) { return at::mul(p.a, p.b); };
constexpr auto div = [](const Pair& p) { return at::div(p.a, p.b); };
constexpr auto mod = [](const Pair& p) { return at::remainder(p.a, p.b); };
constexpr auto neg = [](const Tensor& x) { return at::neg(x); };
constexpr auto pow = [](const Pair& p) {
  // Integers to a negative power are fractions.
  const bool fraction = c10::isIntegralType(p.a.scalar_type(), true) &&
                        p.b.unsafeGetTensorImpl()->is_wrapped_number() && p.b.lt(0).item<bool>();
  return at::pow(fraction ? p.a.to(at::kFloat) : p.a, p.b);
};

constexpr TensorRow kRows[] = {
    row<Compute::wide, add>("tensor:add"),
    row<Compute::wide, sub>("tensor:sub"),
    row<Compute::wide, mul>("tensor:mul"),
    row<Compute::wide, div>("tensor:div"),
    row<Compute::wide, mod>("tensor:mod"),
    row<Compute::wide, pow>("tensor:pow"),
    row<Compute::wide, neg>("tensor:neg"),
    row<Compute::wide, [](const MatrixPair& p) { return at::matmul(p.a, p.b); }>("tensor:matmul"),

    row<Compute::exact, [](const Pair& p) { return at::eq(p.a, p.b); }>("tensor:eq"),
    row<Compute::exact, [](const Pair& p) { return at::ne(p.a, p.b); }>("tensor:ne"),
    row<Compute::exact, [](const Pair& p) { return at::lt(p.a, p.b); }>("tensor:lt"),
    row<Compute::exact, [](const Pair& p) { return at::le(p.a, p.b); }>("tensor:le"),
    row<Compute::exact, [](const Pair& p) { return at::gt(p.a, p.b); }>("tensor:gt"),
    row<Compute::exact, [](const Pair& p) { return at::ge(p.a, p.b); }>("tensor:ge"),
    row<Compute::exact, [](const Tensor& x) { return at::logical_not(x); }>("tensor:logical_not"),
    row<Compute::exact, [](const Tensor& x) { return at::isfinite(x); }>("tensor:isfinite"),

    row<Compute::wide, [](const Tensor& x) { return at::abs(x); }>("tensor:abs"),
    row<Compute::wide, [](const Tensor& x) { return at::relu(x); }>("tensor:relu"),
    row<Compute::real, [](const Tensor& x) { return at::exp(x); }>("tensor:exp"),
    row<Compute::real, [](const Tensor& x) { return at::log(x); }>("tensor:log"),
    row<Compute::real, [](const Tensor& x) { return at::sqrt(x); }>("tensor:sqrt"),
    row<Compute::real, [](const Tensor& x) { return at::sin(x); }>("tensor:sin"),
    row<Compute::real, [](const Tensor& x) { return at::cos(x); }>("tensor:cos"),
    row<Compute::real, [](const Tensor& x) { return at::tanh(x); }>("tensor:tanh"),
    row<Compute::real, [](const Tensor& x) { return at::sigmoid(x); }>("tensor:sigmoid"),
    row<Compute::real, [](const Tensor& x) { return at::silu(x); }>("tensor:silu"),
    row<Compute::real,
        [](const Tensor& x, std::string_view approximation) {
          return at::gelu(x, approximation == "tanh" ? "tanh" : "none");
        }>("tensor:gelu"),
    row<Compute::real, [](const Tensor& x) { return at::floor(x); }>("tensor:floor"),
    row<Compute::real, [](const Tensor& x) { return at::round(x); }>("tensor:round"),
    row<Compute::wide, [](const Tensor& x, Number low,
                          Number high) { return at::clamp(x, low.value, high.value); }>(
        "tensor:clamp"),
    row<Compute::real, [](const Tensor& x, Dim dim) { return at::softmax(x, dim); }>(
        "tensor:softmax"),
    row<Compute::real, [](const Tensor& x, Dim dim) { return at::log_softmax(x, dim); }>(
        "tensor:log_softmax"),
    row<Compute::real, [](const Tensor& x, const MaybeTensor& weight, const MaybeTensor& bias,
                          Real<"eps"> eps) { return normalized(x, weight, bias, eps); }>(
        "tensor:layer_norm"),

    row<Compute::wide, [](const Tensor& x, const Dims& dims,
                          KeepDim keep) { return sum_of(x, dims, keep); }>("tensor:sum"),
    row<Compute::real,
        [](const Tensor& x, const Dims& dims, KeepDim keep) {
          return at::mean(x, at::OptionalIntArrayRef(dims), keep.value);
        }>("tensor:mean"),
    row<Compute::real,
        [](const Tensor& x, const Dims& dims, Unbiased unbiased, KeepDim keep) {
          return at::std(x, at::OptionalIntArrayRef(dims), unbiased.value, keep.value);
        }>("tensor:std"),
    row<Compute::real,
        [](const Tensor& x, const Dims& dims, Unbiased unbiased, KeepDim keep) {
          return at::var(x, at::OptionalIntArrayRef(dims), unbiased.value, keep.value);
        }>("tensor:var"),
    row<Compute::real,
        [](const Tensor& x, const Dims& dims, Real<"p"> p, KeepDim keep) {
          return at::linalg_vector_norm(x, p.value, at::OptionalIntArrayRef(dims), keep.value);
        }>("tensor:norm"),
    row<Compute::real, [](const Tensor& x) { return svd_values(x); }>("tensor:svd_values"),
    row<Compute::wide,
        [](const Tensor& x, MaybeDim dim, KeepDim keep) -> TensorOrBoth {
          refuse_empty(x, dim);
          if (!dim.value) return at::min(x);
          return both(at::min(x, *dim.value, keep.value));
        }>("tensor:min"),
    row<Compute::wide,
        [](const Tensor& x, MaybeDim dim, KeepDim keep) -> TensorOrBoth {
          refuse_empty(x, dim);
          if (!dim.value) return at::max(x);
          return both(at::max(x, *dim.value, keep.value));
        }>("tensor:max"),
    row<Compute::wide,
        [](const Tensor& x, MaybeDim dim, KeepDim keep) {
          refuse_empty(x, dim);
          return Positions{at::argmax(x, dim.value, keep)};
        }>("tensor:argmax"),
    row<Compute::wide,
        [](const Tensor& x, MaybeDim dim, KeepDim keep) {
          refuse_empty(x, dim);
          return Positions{at::argmin(x, dim.value, keep)};
        }>("tensor:argmin"),
    row<Compute::wide, [](const Tensor& x, Whole k, Dim dim,
                          Flag<"largest"> largest) { return top_of(x, k, dim, largest); }>(
        "tensor:topk"),
    row<Compute::wide,
        [](const Tensor& x, Dim dim, Flag<"descending"> descending) {
          return both(at::sort(x, /*stable=*/c10::optional<bool>(true), dim, descending.value));
        }>("tensor:sort"),
    row<Compute::wide, [](const Tensor& x, Dim dim) { return at::cumsum(x, dim); }>(
        "tensor:cumsum"),
    row<Compute::exact, [](const Tensor& x) { return at::any(x); }>("tensor:any"),
    row<Compute::exact, [](const Tensor& x) { return at::all(x); }>("tensor:all"),
    row<Compute::wide,
        [](const Tensor& a, const Tensor& b, Real<"rtol"> rtol, Real<"atol"> atol,
           Flag<"equal_nan"> equal_nan) { return all_close(a, b, rtol, atol, equal_nan); }>(
        "tensor:allclose"),
};

/// An operator: like the method, but either side may be the number.
template <auto function>
int operator_of(lua_State* L, std::string_view method) {
  static const api::Function declared{.name = method,
                                      .args = {{"left", api::Kind::tensor_or_number, ""},
                                               {"right", api::Kind::tensor_or_number, ""}}};
  lua_settop(L, 2);
  return call_checked(L, declared, call_tensor<Compute::wide, function>);
}

int operator_add(lua_State* L) { return operator_of<add>(L, "tensor:add"); }
int operator_sub(lua_State* L) { return operator_of<sub>(L, "tensor:sub"); }
int operator_mul(lua_State* L) { return operator_of<mul>(L, "tensor:mul"); }
int operator_div(lua_State* L) { return operator_of<div>(L, "tensor:div"); }
int operator_mod(lua_State* L) { return operator_of<mod>(L, "tensor:mod"); }
int operator_pow(lua_State* L) { return operator_of<pow>(L, "tensor:pow"); }

int operator_neg(lua_State* L) {
  lua_settop(L, 1);
  return call_checked(L, *api::find_function("tensor:neg"), call_tensor<Compute::wide, neg>);
}

}  // namespace

void register_tensor_math() {
  provide_rows(kRows);
  provide_metamethod("Tensor", "__add", guarded<operator_add>);
  provide_metamethod("Tensor", "__sub", guarded<operator_sub>);
  provide_metamethod("Tensor", "__mul", guarded<operator_mul>);
  provide_metamethod("Tensor", "__div", guarded<operator_div>);
  provide_metamethod("Tensor", "__mod", guarded<operator_mod>);
  provide_metamethod("Tensor", "__pow", guarded<operator_pow>);
  provide_metamethod("Tensor", "__unm", guarded<operator_neg>);
}

}  // namespace crescent
