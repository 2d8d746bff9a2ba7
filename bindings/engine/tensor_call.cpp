#include "bindings/engine/tensor_call.h"

#include <ATen/ScalarOps.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace crescent {
namespace {

bool is_16_bit(at::ScalarType type) { return type == at::kHalf || type == at::kBFloat16; }

at::Scalar scalar_of(double x) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::floor(x) == x && std::abs(x) <= kExact) return static_cast<int64_t>(x);
  return x;
}

/// A number beside a tensor: never decides the dtype within its kind (int64 + 1, bfloat16 * 2).
/// Beside floats it has their dtype from the start, which saves LibTorch a conversion.
Tensor wrapped(double x, at::ScalarType beside) {
  Tensor tensor = c10::isFloatingType(beside)
                      ? at::detail::scalar_tensor_static(x, beside, at::kCPU)
                      : c10::scalar_to_tensor(scalar_of(x));
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

}  // namespace

int64_t dimension_from_lua(const Args& args, int64_t dimension, int64_t dimensions) {
  if (dimension == 0) args.fail("dimension 0: dimensions count from 1 (or -1 from the end)");
  if (dimension > dimensions || dimension < -dimensions)
    args.fail(fmt::format("dimension {} is out of range for a tensor of {} dimension{}", dimension,
                          dimensions, dimensions == 1 ? "" : "s"));
  return dimension > 0 ? dimension - 1 : dimension + dimensions;
}

int64_t position_from_lua(const Args& args, int64_t position, int64_t dimension, int64_t length) {
  if (position == 0) args.fail("position 0: positions count from 1 (or -1 from the end)");
  if (position > length || position < -length)
    args.fail(fmt::format("position {} is out of range for dimension {} of length {}", position,
                          dimension + 1, length));
  return position > 0 ? position - 1 : position + length;
}

at::ScalarType TensorCall::computed_type(const Tensor& tensor) const {
  const at::ScalarType type = tensor.scalar_type();
  if (compute_ == Compute::exact) return type;
  if (is_16_bit(type) && tensor.is_cpu()) return at::kFloat;
  return compute_ == Compute::real && c10::isIntegralType(type, true) ? at::kFloat : type;
}

Tensor TensorCall::prepared(const Tensor& tensor) {
  if (first_) {
    kept_ = tensor;
    sizes_ = kept_.sizes();
    first_ = false;
  }
  if (compute_ == Compute::exact) return tensor;
  result_ = at::native::update_result_type_state(tensor, result_);
  const at::ScalarType type = computed_type(tensor);
  if (type == tensor.scalar_type()) return tensor;
  widened_ = widened_ || is_16_bit(tensor.scalar_type());
  return tensor.to(type);
}

Tensor TensorCall::tensor() { return prepared(tensor_at(args_, next_++)); }

Tensor TensorCall::tensor_or_number(int beside) {
  if (lua_type(args_.L(), next_) != LUA_TNUMBER) return tensor();
  const bool alone = lua_type(args_.L(), beside) == LUA_TNUMBER;
  return wrapped(args_.number(next_++),
                 alone ? at::kLong : computed_type(tensor_at(args_, beside)));
}

int64_t TensorCall::dimension_or(int64_t fallback, int64_t dimensions) {
  const int64_t given = args_.has(next_) ? args_.integer(next_) : fallback;
  ++next_;
  return dimension_ = dimension_from_lua(args_, given, dimensions);
}

void TensorCall::read(Dim& out) { out.value = dimension_or(-1, dimensions()); }

void TensorCall::read(FirstDim& out) { out.value = dimension_or(1, dimensions()); }

void TensorCall::read(NewDim& out) {
  const int64_t places = dimensions() + 1;
  const int64_t given = args_.has(next_) ? args_.integer(next_) : 1;
  if (given > places || given < -places)
    args_.fail(
        fmt::format("dimension {} is out of range: a new one can come at 1 .. {}, or at -1 "
                    ".. {} from the end",
                    given, places, -places));
  out.value = dimension_or(1, places);
}

void TensorCall::read(TwoDims& out) {
  out.a = dimension_or(-2, dimensions());
  out.b = dimension_or(-1, dimensions());
}

void TensorCall::read(Step& out) {
  out.value = args_.has(next_) ? args_.integer(next_) : 1;
  ++next_;
}

void TensorCall::read(MaybeDim& out) {
  if (!args_.has(next_++)) return;
  out.value = dimension_from_lua(args_, args_.integer(next_ - 1), dimensions());
}

void TensorCall::read(Dims& out) {
  if (!args_.has(next_++)) return;
  out.values = args_.integers(next_ - 1);
  for (auto& dimension : out.values) {
    dimension = dimension_from_lua(args_, dimension, dimensions());
    if (std::count<const int64_t*>(out.values.data(), &dimension, dimension) > 0)
      args_.fail(fmt::format("dimension {} is given twice", dimension + 1));
  }
}

void TensorCall::read(Shape& out) { out.values = args_.integers(next_++); }

void TensorCall::read(Position& out) {
  out.value = position_from_lua(args_, args_.integer(next_++), dimension_,
                                sizes_[static_cast<size_t>(dimension_)]);
}

void TensorCall::read(LastPosition& out) {
  if (args_.has(next_)) return read(static_cast<Position&>(out));
  ++next_;
  out.value = sizes_[static_cast<size_t>(dimension_)] - 1;
}

void TensorCall::read(PositionList& out) {
  lua_State* L = args_.L();
  const int index = next_++;
  std::vector<int64_t> positions;
  if (test_handle<LuaTensor>(L, index)) {
    const Tensor& given = tensor_at(args_, index);
    if (given.dim() != 1 || !c10::isIntegralType(given.scalar_type(), false))
      args_.bad(index, "positions in a list or in a 1-dimensional integer tensor",
                fmt::format("{} of dtype {}", describe_tensor(given), dtype_words(given)));
    const Tensor exact = given.to(at::kCPU, at::kLong).contiguous();
    const auto* data = exact.data_ptr<int64_t>();
    positions.assign(data, data + exact.numel());
  } else if (lua_istable(L, index)) {
    positions = args_.integers(index);
  } else {
    args_.bad(index, "positions in a list or in a 1-dimensional integer tensor",
              describe(L, index));
  }
  const int64_t length = sizes_[static_cast<size_t>(dimension_)];
  out.value = at::empty({static_cast<int64_t>(positions.size())}, at::kLong);
  auto* data = out.value.data_ptr<int64_t>();
  for (const int64_t position : positions)
    *data++ = position_from_lua(args_, position, dimension_, length);
}

void TensorCall::read(Number& out) { out.value = scalar_of(args_.number(next_++)); }

void TensorCall::read(Mask& out) {
  const int index = next_++;
  out.value = tensor_at(args_, index);
  if (out.value.scalar_type() != at::kBool)
    args_.bad(index, "a bool tensor (a comparison gives one)",
              fmt::format("{} of dtype {}", describe_tensor(out.value), dtype_words(out.value)));
  if (first_) prepared(out.value);
  else check_broadcast(sizes_, out.value.sizes());
}

void TensorCall::read(MaybeTensor& out) {
  if (args_.has(next_)) out.value = tensor();
  else ++next_;
}

void TensorCall::read(Tensors& out) {
  for (const Tensor& tensor : tensors_at(args_, next_++)) out.values.push_back(prepared(tensor));
}

void TensorCall::check_broadcast(at::IntArrayRef a, at::IntArrayRef b) const {
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 1; i <= common; ++i) {
    const int64_t x = a[a.size() - i], y = b[b.size() - i];
    if (x != y && x != 1 && y != 1)
      args_.fail(fmt::format("shapes {} and {} don't fit: {} against {}", shape_words(a),
                             shape_words(b), x, y));
  }
}

void TensorCall::read(Pair& out) {
  const int left = next_, right = next_ + 1;
  out.a = tensor_or_number(right);
  out.b = tensor_or_number(left);
  check_broadcast(out.a.sizes(), out.b.sizes());
  if (left == 1) return;
  check_broadcast(sizes_, out.a.sizes());
  check_broadcast(sizes_, out.b.sizes());
}

void TensorCall::read(MatrixPair& out) {
  out.a = tensor();
  out.b = tensor();
  const auto a = out.a.sizes(), b = out.b.sizes();
  const auto misfit = [&](int64_t x, int64_t y) {
    args_.fail(fmt::format("shapes {} and {} don't fit: {} against {}", shape_words(a),
                           shape_words(b), x, y));
  };
  if (a.empty() || b.empty())
    args_.fail(fmt::format("expected tensors of at least 1 dimension, got shapes {} and {}",
                           shape_words(a), shape_words(b)));
  const int64_t rows = b.size() == 1 ? b[0] : b[b.size() - 2];
  if (a.back() != rows) misfit(a.back(), rows);
  if (a.size() > 2 && b.size() > 2) {
    const size_t common = std::min(a.size(), b.size());
    for (size_t i = 3; i <= common; ++i) {
      const int64_t x = a[a.size() - i], y = b[b.size() - i];
      if (x != y && x != 1 && y != 1) misfit(x, y);
    }
  }
  if (out.a.scalar_type() != out.b.scalar_type())
    args_.fail(fmt::format("dtypes {} and {} differ; convert one with :to('{}')",
                           dtype_words(out.a), dtype_words(out.b), dtype_words(out.a)));
}

int TensorCall::push(Tensor result) {
  if (widened_ && result.scalar_type() == at::kFloat) {
    const at::ScalarType narrow = at::native::result_type(result_);
    if (is_16_bit(narrow)) result = result.to(narrow);
  }
  return push_tensor(args_.L(), std::move(result));
}

int TensorCall::push(ValuesAndPositions result) {
  const int pushed = push(std::move(result.values));
  return pushed + push(Positions{std::move(result.positions)});
}

int TensorCall::push(Positions result) { return push_tensor(args_.L(), result.positions.add_(1)); }

int TensorCall::push(bool result) {
  lua_pushboolean(args_.L(), result);
  return 1;
}

void provide_rows(std::span<const TensorRow> rows) {
  for (const auto& row : rows) {
    provide({row.name, row.function});
    const auto declared = static_cast<int>(api::find_function(row.name)->args.size());
    if (declared != row.arguments)
      fail("{} reads {} arguments, and bindings/api declares {}", row.name, row.arguments,
           declared);
  }
}

}  // namespace crescent
