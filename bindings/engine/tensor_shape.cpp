// Operations that move, choose and repeat elements and compute nothing.
#include <ATen/ops/cat.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/result_type.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tril.h>
#include <ATen/ops/triu.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include "bindings/engine/tensor_call.h"
#include "bindings/engine/tensor_parts.h"
#include "engine/error.h"

namespace crescent {
namespace {

Tensor reshape(const Tensor& x, const Shape& shape) {
  int64_t known = 1, inferred = 0;
  for (const int64_t size : shape.values) {
    if (size < -1) fail("size {}: expected sizes >= 0, or one -1 for what is left", size);
    if (size == -1) ++inferred;
    else if (__builtin_mul_overflow(known, size, &known))
      fail("shape {} has more elements than there can be", shape_words(shape));
  }
  if (inferred > 1) fail("shape {}: only one size can be -1", shape_words(shape));
  const int64_t count = x.numel();
  const bool fits = inferred == 0 ? known == count : known != 0 && count % known == 0;
  if (!fits)
    fail("shape {} doesn't fit: the tensor of shape {} has {} element{}", shape_words(shape),
         shape_words(x.sizes()), count, count == 1 ? "" : "s");
  return x.reshape(shape);
}

Tensor permute(const Tensor& x, const Dims& dims) {
  if (static_cast<int64_t>(dims.values.size()) != x.dim())
    fail("expected all {} dimensions in their new order, got {}", x.dim(), dims.values.size());
  return x.permute(dims);
}

Tensor slice(const Tensor& x, const Dim& dim, const Position& from, const LastPosition& to,
             const Step& step) {
  if (from > to) fail("from position {} to {} is nothing", from + 1, to + 1);
  return x.slice(dim, from.value, to.value + 1, step);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  const auto sizes = x.sizes();
  const size_t added = shape.values.size() - std::min(sizes.size(), shape.values.size());
  bool fits = shape.values.size() >= sizes.size();
  for (size_t i = 0; fits && i < shape.values.size(); ++i) {
    const int64_t wanted = shape.values[i];
    if (i < added) fits = wanted >= 0;
    else
      fits = wanted == -1 || wanted == sizes[i - added] || (sizes[i - added] == 1 && wanted >= 0);
  }
  if (!fits)
    fail("shape {} doesn't expand to {}: only sizes of 1 can grow", shape_words(sizes),
         shape_words(shape));
  return x.expand(shape);
}

void check_same_shapes(const Tensors& tensors, int64_t free_dimension) {
  const auto first = tensors.values[0].sizes();
  for (size_t i = 1; i < tensors.values.size(); ++i) {
    const auto other = tensors.values[i].sizes();
    bool same = first.size() == other.size();
    for (size_t d = 0; same && d < first.size(); ++d)
      same = first[d] == other[d] || static_cast<int64_t>(d) == free_dimension;
    if (same) continue;
    const std::string but = free_dimension < 0
                                ? "expected the same shape"
                                : fmt::format("only dimension {} may differ", free_dimension + 1);
    fail("tensor 1 has shape {} and tensor {} has {}: {}", shape_words(first), i + 1,
         shape_words(other), but);
  }
}

Tensor where(const Mask& condition, const Pair& p) {
  const at::ScalarType type = at::result_type(p.a, p.b);
  return at::where(condition.value, p.a.to(type), p.b.to(type));
}

constexpr TensorRow kRows[] = {
    row<Compute::exact, [](const Tensor& x, const Shape& s) { return reshape(x, s); }>(
        "tensor:reshape"),
    row<Compute::exact, [](const Tensor& x, TwoDims d) { return x.transpose(d.a, d.b); }>(
        "tensor:transpose"),
    row<Compute::exact, [](const Tensor& x, const Dims& dims) { return permute(x, dims); }>(
        "tensor:permute"),
    row<Compute::exact, [](const Tensor& x, Dim dim, Position from, LastPosition to,
                           Step step) { return slice(x, dim, from, to, step); }>("tensor:slice"),
    row<Compute::exact, [](const Tensor& x, Dim dim, Position i) { return x.select(dim, i); }>(
        "tensor:select"),
    row<Compute::exact, [](const Tensor& x, Dim dim,
                           const PositionList& at) { return at::index_select(x, dim, at.value); }>(
        "tensor:index"),
    row<Compute::exact,
        [](const Tensor& x, MaybeDim dim) {
          return dim.value ? x.squeeze(*dim.value) : x.squeeze();
        }>("tensor:squeeze"),
    row<Compute::exact, [](const Tensor& x, NewDim dim) { return x.unsqueeze(dim); }>(
        "tensor:unsqueeze"),
    row<Compute::exact, [](const Tensor& x, const Shape& shape) { return expand(x, shape); }>(
        "tensor:expand"),
    row<Compute::exact, [](const Tensor& x) { return x.contiguous(); }>("tensor:contiguous"),
    row<Compute::exact, [](const Tensor& x) { return at::clone(x); }>("tensor:clone"),
    row<Compute::exact, [](const Tensor& x) { return x.to(at::kFloat); }>("tensor:float"),
    row<Compute::exact, [](const Tensor& x) { return x.cpu(); }>("tensor:cpu"),
    row<Compute::exact,
        [](const Tensors& tensors, FirstDim dim) {
          check_same_shapes(tensors, dim);
          return at::cat(tensors.values, dim);
        }>("crescent.tensor.cat"),
    row<Compute::exact,
        [](const Tensors& tensors, NewDim dim) {
          check_same_shapes(tensors, -1);
          return at::stack(tensors.values, dim);
        }>("crescent.tensor.stack"),
    row<Compute::exact, [](const Tensor& x, Whole diagonal) { return at::tril(x, diagonal); }>(
        "tensor:tril"),
    row<Compute::exact, [](const Tensor& x, Whole diagonal) { return at::triu(x, diagonal); }>(
        "tensor:triu"),
    row<Compute::exact, [](const Tensor& x, const Mask& mask,
                           Number value) { return at::masked_fill(x, mask.value, value.value); }>(
        "tensor:masked_fill"),
    row<Compute::exact, [](const Mask& condition, const Pair& p) { return where(condition, p); }>(
        "tensor:where"),
};

int element(Args& args) {
  const Tensor& x = tensor_at(args, 1);
  if (x.dim() == 0) args.fail("a tensor of shape () has no positions; :item() gives its value");
  return push_tensor(args.L(), x.select(0, position_from_lua(args, args.integer(2), 0, x.size(0))));
}

/// t[i]: along the first dimension. Called inside the guarded __index.
int tensor_element(lua_State* L) {
  static const api::Function function{
      .name = "tensor[position]",
      .args = {{"tensor", api::Kind::tensor, ""}, {"position", api::Kind::integer, ""}}};
  lua_settop(L, 2);
  return call_checked(L, function, element);
}

}  // namespace

void register_tensor_shapes() {
  provide_rows(kRows);
  provide_metamethod("Tensor", "__index_number", tensor_element);
}

}  // namespace crescent
