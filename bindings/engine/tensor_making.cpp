// Where tensors come from: nested tables, numbers, random numbers, files.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor.h"
#include "bindings/engine/tensor_parts.h"
#include "bindings/registry.h"
#include "engine/dtype.h"
#include "engine/error.h"
#include "engine/formats/safetensors.h"
#include "engine/interrupt.h"
#include "engine/model/weights.h"
#include "engine/random.h"

namespace crescent {
namespace {

at::ScalarType dtype_option(const Args& args) {
  return scalar_type(*dtype_from_name(args.text("dtype")));
}

/// Sizes for a new tensor, from separate arguments or one list.
std::vector<int64_t> new_shape(const Args& args, at::ScalarType type) {
  std::vector<int64_t> shape = args.integers(1);
  int64_t bytes = static_cast<int64_t>(c10::elementSize(type));
  for (const int64_t size : shape) {
    if (size < 0) args.bad(1, "sizes >= 0", fmt::format("{}", size));
    if (__builtin_mul_overflow(bytes, size, &bytes))
      args.fail(fmt::format("shape {} has more elements than there can be", shape_words(shape)));
  }
  ask_for_memory(args, bytes);
  return shape;
}

template <class Make>
int push_new(Args& args, Make make) {
  const at::NoGradGuard no_grad;
  return push_tensor(args.L(), with_memory(args, make));
}

int filled(Args& args, const at::Scalar& value) {
  const at::ScalarType type = dtype_option(args);
  const auto shape = new_shape(args, type);
  return push_new(args, [&] { return at::full(shape, value, type); });
}

int make_zeros(Args& args) { return filled(args, 0); }
int make_ones(Args& args) { return filled(args, 1); }

int make_full(Args& args) {
  const at::ScalarType type = dtype_option(args);
  const double value = args.number(2);
  if (c10::isIntegralType(type, true) && value != std::floor(value))
    args.bad(2, fmt::format("an integer for dtype '{}'", args.text("dtype")),
             fmt::format("{}", value));
  // The first double beyond int64 rounds to its bound, so LibTorch's own check lets it through.
  if (c10::isIntegralType(type, true) && !(value >= -0x1p63 && value < 0x1p63))
    args.bad(2, fmt::format("a number that dtype '{}' holds", args.text("dtype")),
             fmt::format("{}", value));
  const auto shape = new_shape(args, type);
  return push_new(args, [&] { return at::full(shape, value, type); });
}

int make_arange(Args& args) {
  const at::ScalarType type = dtype_option(args);
  const double step = args.has(3) ? args.number(3) : 1;
  const double from = args.has(2) ? args.number(1) : 1;
  const double to = args.has(2) ? args.number(2) : args.number(1);
  if (step == 0 || !std::isfinite(step))
    args.bad(3, "a step that isn't 0", fmt::format("{}", step));
  // As a for loop counts, but without its sum of rounding errors.
  const double count = std::max(0.0, std::floor((to - from) / step * (1 + 1e-15)) + 1);
  if (!(count <= 9007199254740992.0)) args.fail("more elements than there can be");
  ask_for_memory(args, static_cast<int64_t>(count) * 8);
  return push_new(args, [&] {
    at::Tensor steps = at::arange(static_cast<int64_t>(count), at::kDouble);
    return steps.mul_(step).add_(from).to(type);
  });
}

/// Successive calls without a seed take successive streams: different numbers, the same ones in
/// every run of a script.
uint64_t next_stream() {
  static uint64_t stream = 0;
  return ++stream;
}

using Fill = void (*)(std::span<float>, uint64_t seed, uint64_t stream, float a, float b);

int make_random(Args& args, Fill fill, float a, float b) {
  const at::ScalarType type = dtype_option(args);
  if (!c10::isFloatingType(type))
    args.bad("dtype", "a floating-point dtype", fmt::format("'{}'", args.text("dtype")));
  const auto shape = new_shape(args, at::kFloat);
  const bool seeded = args.has("seed");
  const uint64_t seed = seeded ? static_cast<uint64_t>(args.integer("seed")) : 1;
  const uint64_t stream = seeded ? 0 : next_stream();
  return push_new(args, [&] {
    const at::Tensor tensor = at::empty(shape, at::kFloat);
    fill({tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())}, seed, stream, a, b);
    return tensor.to(type);
  });
}

int make_randn(Args& args) { return make_random(args, Random::fill_normal, 0, 1); }
int make_rand(Args& args) { return make_random(args, Random::fill_uniform, 0, 1); }

/// Reads nested tables of one shape into a flat list.
class NestedTable {
 public:
  NestedTable(const Args& args, const char* dtype) : args_(args), L_(args.L()), dtype_(dtype) {}

  /// Numbers become doubles; strings of digits, integers above 2^53, stay exact as int64.
  void read(int index) {
    measure(index);
    count_ = 1;
    int64_t bytes = sizeof(Value);
    for (const int64_t size : shape_) {
      if (__builtin_mul_overflow(bytes, size, &bytes))
        args_.fail("the nested tables have more elements than there can be");
    }
    ask_for_memory(args_, bytes);
    count_ = bytes / static_cast<int64_t>(sizeof(Value));
    values_.reserve(static_cast<size_t>(count_));
    lua_pushvalue(L_, index);
    walk(0);
    lua_pop(L_, 1);
  }

  const std::vector<int64_t>& shape() const { return shape_; }
  bool booleans() const { return booleans_; }

  at::Tensor tensor(at::ScalarType type) const {
    if (c10::isIntegralType(type, true)) {
      std::vector<int64_t> whole(values_.size());
      for (size_t i = 0; i < whole.size(); ++i) whole[i] = integer(i, type);
      return at::from_blob(whole.data(), shape_, at::kLong).to(type, false, /*copy=*/true);
    }
    std::vector<double> copy(values_.size());
    for (size_t i = 0; i < copy.size(); ++i)
      copy[i] = values_[i].exact ? static_cast<double>(values_[i].whole) : values_[i].number;
    return at::from_blob(copy.data(), shape_, at::kDouble).to(type, false, /*copy=*/true);
  }

 private:
  struct Value {
    union {
      double number;
      int64_t whole;
    };
    bool exact;
  };

  /// The shape as the first elements have it.
  void measure(int index) {
    lua_pushvalue(L_, index);
    int depth = 1;
    for (; lua_istable(L_, -1); ++depth) {
      if (depth > 64) args_.fail("tables are nested more than 64 deep");
      shape_.push_back(static_cast<int64_t>(lua_objlen(L_, -1)));
      luaL_checkstack(L_, 2, "tables nested too deep");
      lua_rawgeti(L_, -1, 1);
    }
    booleans_ = lua_isboolean(L_, -1);
    lua_pop(L_, depth);
  }

  void walk(size_t depth) {
    if (depth == shape_.size()) return add();
    const auto wanted = shape_[depth];
    if (!lua_istable(L_, -1)) bad(fmt::format("a list of {} values", wanted), describe(L_, -1));
    refuse_holes();
    check_interrupt();
    const auto found = static_cast<int64_t>(lua_objlen(L_, -1));
    if (found != wanted) bad(fmt::format("a list of {} values", wanted), fmt::format("{}", found));
    for (int64_t i = 1; i <= wanted; ++i) {
      path_.push_back(i);
      lua_rawgeti(L_, -1, static_cast<int>(i));
      walk(depth + 1);
      lua_pop(L_, 1);
      path_.pop_back();
    }
  }

  /// A nil inside a list ends it early for Lua, and a named key is none of its elements: either
  /// would be lost in silence.
  void refuse_holes() {
    const auto length = static_cast<int64_t>(lua_objlen(L_, -1));
    int64_t keys = 0;
    luaL_checkstack(L_, 2, "tables nested too deep");
    lua_pushnil(L_);
    for (; lua_next(L_, -2) != 0; ++keys) lua_pop(L_, 1);
    if (keys != length) {
      bad("a list without nil and without named keys",
          fmt::format("{} keys where the list has {}", keys, length));
    }
  }

  void add() {
    Value value{{.number = 0}, false};
    const int type = lua_type(L_, -1);
    if (booleans_ && type == LUA_TBOOLEAN) {
      value.number = lua_toboolean(L_, -1);
    } else if (!booleans_ && type == LUA_TNUMBER) {
      value.number = lua_tonumber(L_, -1);
    } else if (!booleans_ && type == LUA_TSTRING) {
      const char* text = lua_tostring(L_, -1);
      char* end = nullptr;
      errno = 0;
      value.whole = std::strtoll(text, &end, 10);
      value.exact = true;
      if (*text == '\0' || *end != '\0' || errno != 0)
        bad("a number, or a string of digits for a 64-bit integer", describe(L_, -1));
    } else {
      bad(booleans_ ? "true or false" : "a number", describe(L_, -1));
    }
    values_.push_back(value);
  }

  int64_t integer(size_t i, at::ScalarType type) const {
    const Value& value = values_[i];
    if (!value.exact && value.number != std::floor(value.number))
      args_.fail(fmt::format("dtype '{}' holds integers, got {}", dtype_, value.number));
    const auto [low, high] = range(type);
    const bool fits = value.exact ? value.whole >= low && value.whole <= high
                                  : value.number >= static_cast<double>(low) &&
                                        value.number <= static_cast<double>(high) &&
                                        value.number < 9223372036854775808.0;
    if (!fits)
      args_.fail(fmt::format(
          "dtype '{}' holds {} to {}, got {}", dtype_, low, high,
          value.exact ? fmt::format("{}", value.whole) : fmt::format("{}", value.number)));
    return value.exact ? value.whole : static_cast<int64_t>(value.number);
  }

  static std::pair<int64_t, int64_t> range(at::ScalarType type) {
    switch (type) {
      case at::kBool: return {0, 1};
      case at::kByte: return {0, 255};
      case at::kChar: return {-128, 127};
      case at::kShort: return {-32768, 32767};
      case at::kInt:
        return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
      default: return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
    }
  }

  [[noreturn]] void bad(const std::string& expected, const std::string& got) const {
    std::string where = "value";
    for (const int64_t i : path_) where += fmt::format("[{}]", i);
    args_.fail(fmt::format("{}: expected {}, got {}", where, expected, got));
  }

  const Args& args_;
  lua_State* L_;
  std::string dtype_;
  std::vector<int64_t> shape_, path_;
  int64_t count_ = 0;
  bool booleans_ = false;
  std::vector<Value> values_;
};

/// crescent.tensor { { 1, 2 }, { 3, 4 } }
int make_tensor(Args& args) {
  const at::NoGradGuard no_grad;
  const std::string given = args.text("dtype");
  NestedTable table(args, given.c_str());
  table.read(1);
  const at::ScalarType type = !given.empty()     ? scalar_type(*dtype_from_name(given))
                              : table.booleans() ? at::kBool
                                                 : at::kFloat;
  return push_tensor(args.L(), with_memory(args, [&] { return table.tensor(type); }));
}

/// A view on the mapped file, which the tensor keeps alive, or a copy where the file has it off its
/// element's boundary.
at::Tensor tensor_in_file(const std::shared_ptr<const SafetensorsFile>& file,
                          const TensorEntry& entry) {
  const std::span<const std::byte> data = file->data(entry);
  const auto type = scalar_type(entry.dtype);
  const bool aligned = reinterpret_cast<uintptr_t>(data.data()) % bytes_of(entry.dtype) == 0;
  if (!data.empty() && aligned) {
    void* address = const_cast<std::byte*>(data.data());
    return at::from_blob(
        address, entry.shape, [file](void*) {}, at::TensorOptions(type));
  }
  at::Tensor copy = at::empty(entry.shape, type);
  if (!data.empty()) std::memcpy(copy.data_ptr(), data.data(), data.size());
  return copy;
}

int load_tensors(Args& args) {
  lua_State* L = args.L();
  const auto file = SafetensorsFile::open(std::string(args.text(1)));
  lua_newtable(L);
  for (const TensorEntry& entry : file->entries()) {
    lua_pushlstring(L, entry.name.data(), entry.name.size());
    push_tensor(L, with_memory(args, [&] { return tensor_in_file(file, entry); }));
    lua_rawset(L, -3);
  }
  set_result(L, "tensors");
  return 1;
}

int save_tensors(Args& args) {
  const at::NoGradGuard no_grad;
  lua_State* L = args.L();
  std::map<std::string, at::Tensor> tensors;
  lua_pushnil(L);
  while (lua_next(L, 2) != 0) {
    if (lua_type(L, -2) != LUA_TSTRING)
      args.bad(2, "tensors by name", fmt::format("the key {}", describe(L, -2)));
    const std::string name = lua_tostring(L, -2);
    const Box<LuaTensor>* box = test_handle<LuaTensor>(L, -1);
    if (!box || !*box)
      args.bad(2, "tensors by name", fmt::format("{} for '{}'", describe(L, -1), name));
    tensors.emplace(name, (*box)->tensor().cpu().contiguous());
    lua_pop(L, 1);
  }
  std::vector<TensorToWrite> writes;
  for (const auto& [name, tensor] : tensors)
    writes.push_back({name,
                      dtype_of(tensor),
                      tensor.sizes().vec(),
                      {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}});
  write_safetensors(std::string(args.text(1)), writes);
  return 0;
}

}  // namespace

void register_tensor_making() {
  provide({{"crescent.tensor", make_tensor},
           {"crescent.tensor.zeros", make_zeros},
           {"crescent.tensor.ones", make_ones},
           {"crescent.tensor.full", make_full},
           {"crescent.tensor.arange", make_arange},
           {"crescent.tensor.randn", make_randn},
           {"crescent.tensor.rand", make_rand},
           {"crescent.tensor.load", load_tensors},
           {"crescent.tensor.save", save_tensors}});
}

}  // namespace crescent
