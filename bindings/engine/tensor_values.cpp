// What leaves a tensor for Lua: numbers, lists, fields, the read-only view; conversion; closing.
#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <limits>

#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor.h"
#include "bindings/engine/tensor_parts.h"
#include "bindings/registry.h"
#include "engine/dtype.h"
#include "engine/model/weights.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

/// The values of a tensor in order, exactly as wide as Lua needs: doubles, 64-bit integers,
/// booleans.
class Values {
 public:
  explicit Values(const at::Tensor& tensor) : kind_(kind_of(tensor.scalar_type())) {
    tensor_ = tensor.to(at::kCPU, kind_).contiguous();
  }

  void push(lua_State* L, int64_t i) const {
    switch (kind_) {
      case at::kBool: return lua_pushboolean(L, tensor_.data_ptr<bool>()[i]);
      case at::kLong: return push_integer(L, tensor_.data_ptr<int64_t>()[i]);
      default: return lua_pushnumber(L, tensor_.data_ptr<double>()[i]);
    }
  }

 private:
  static at::ScalarType kind_of(at::ScalarType type) {
    if (type == at::kBool) return at::kBool;
    return c10::isIntegralType(type, false) ? at::kLong : at::kDouble;
  }

  /// A Lua number holds integers up to 2^53; what is above travels as a string.
  static void push_integer(lua_State* L, int64_t value) {
    constexpr int64_t kExact = int64_t{1} << 53;
    if (value >= -kExact && value <= kExact) return lua_pushnumber(L, static_cast<double>(value));
    const std::string digits = fmt::format("{}", value);
    lua_pushlstring(L, digits.data(), digits.size());
  }

  at::ScalarType kind_;
  at::Tensor tensor_;
};

int tensor_item(Args& args) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = tensor_at(args, 1);
  if (x.numel() != 1)
    args.fail(fmt::format("expected a tensor of 1 element, got {}", describe_tensor(x)));
  Values(x).push(args.L(), 0);
  return 1;
}

void push_list(lua_State* L, const Values& values, at::IntArrayRef shape, int64_t& next) {
  if (shape.empty()) return values.push(L, next++);
  luaL_checkstack(L, 3, "too many dimensions");
  lua_createtable(L, static_cast<int>(shape[0]), 0);
  for (int64_t i = 1; i <= shape[0]; ++i) {
    push_list(L, values, shape.slice(1), next);
    lua_rawseti(L, -2, static_cast<int>(i));
  }
}

constexpr int64_t kListMost = 1 << 26;  // LuaJIT's largest array part is twice that

int tensor_tolist(Args& args) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = tensor_at(args, 1);
  for (const int64_t size : x.sizes())
    if (size > kListMost)
      args.fail(
          fmt::format("a Lua list holds at most {} values, got {}", kListMost, describe_tensor(x)));
  // What Lua takes for a value, and what the values take on their way.
  int64_t bytes = 16 + sizeof(double);
  for (const int64_t size : x.sizes())
    if (__builtin_mul_overflow(bytes, size, &bytes)) bytes = std::numeric_limits<int64_t>::max();
  ask_for_memory(args, bytes);
  const Values values = with_memory(args, [&] { return Values(x); });
  int64_t next = 0;
  push_list(args.L(), values, x.sizes(), next);
  return 1;
}

/// A device by name; nothing if the name is none.
c10::optional<at::Device> device_named(const std::string& name) {
  if (name != "cpu" && name != "cuda" && !name.starts_with("cuda:")) return c10::nullopt;
  try {
    return at::Device(name);
  } catch (const c10::Error&) {
    return c10::nullopt;
  }
}

int tensor_to(Args& args) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = tensor_at(args, 1);
  const std::string name(args.text(2));
  if (const auto dtype = dtype_from_name(name))
    return push_tensor(args.L(), with_memory(args, [&] { return x.to(scalar_type(*dtype)); }));
  if (const auto device = device_named(name)) {
    if (device->is_cuda() && !at::hasCUDA())
      args.fail(fmt::format("'{}': this LibTorch finds no CUDA device", name));
    return push_tensor(args.L(), with_memory(args, [&] { return x.to(*device); }));
  }
  constexpr std::string_view kKnown[] = {"float64", "float32", "float16", "bfloat16",
                                         "int64",   "int32",   "int16",   "int8",
                                         "uint8",   "bool",    "cpu",     "cuda"};
  args.bad(2, "a dtype ('float32') or a device ('cpu', 'cuda:0')",
           fmt::format("'{}'{}", name, did_you_mean(name, kKnown)));
}

/// A shape view: like reshape, but never a copy.
int view_as_shape(Args& args) {
  const at::Tensor x = tensor_at(args, 1);
  const std::vector<int64_t> shape = args.integers(2);
  try {
    return push_tensor(args.L(), x.view(shape));
  } catch (const c10::Error&) {
    args.fail(fmt::format("a tensor of shape {} can't be seen as {} without a copy; use :reshape",
                          shape_words(x.sizes()), shape_words(shape)));
  }
}

/// What keeps the memory of an FFI view alive. Not the handle itself: that can be closed. Nor one
/// that crescent.scope would close.
void push_anchor(lua_State* L, const at::Tensor& tensor) {
  push_tensor(L, tensor);
  detail::unlink(*test_handle<LuaTensor>(L, -1));
}

int tensor_view(Args& args) {
  const at::NoGradGuard no_grad;
  if (args.has(2)) return view_as_shape(args);
  lua_State* L = args.L();
  const at::Tensor x = tensor_at(args, 1);
  if (!x.is_cpu())
    args.fail(fmt::format("the tensor is on {}; use :cpu() first", x.device().str()));
  if (x.scalar_type() != at::kFloat)
    args.fail(fmt::format("the tensor is {}; use :to('float32') first", dtype_words(x)));
  if (!x.is_contiguous()) args.fail("the tensor is not contiguous; use :contiguous() first");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.tensor_view");
  lua_call(L, 1, 1);
  push_anchor(L, x);
  lua_pushlightuserdata(L, x.data_ptr());
  lua_pushnumber(L, static_cast<double>(x.numel()));
  lua_call(L, 3, 1);
  return 1;
}

int tensor_close(Args& args) {
  test_handle<LuaTensor>(args.L(), 1)->reset();
  return 0;
}

// Fields.

int shape_tostring(lua_State* L) {
  if (!lua_istable(L, 1))
    throw ArgError(fmt::format("tostring: expected a shape, got {}", describe(L, 1)));
  std::string text = "(";
  const auto count = static_cast<int>(lua_objlen(L, 1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, 1, i);
    text += (i > 1 ? ", " : "") + describe(L, -1);
    lua_pop(L, 1);
  }
  text += ")";
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int field_shape(Args& args) {
  lua_State* L = args.L();
  const at::Tensor x = tensor_at(args, 1);  // held: a finaliser may close the handle meanwhile
  const auto sizes = x.sizes();
  lua_createtable(L, static_cast<int>(sizes.size()), 0);
  for (size_t i = 0; i < sizes.size(); ++i) {
    lua_pushnumber(L, static_cast<double>(sizes[i]));
    lua_rawseti(L, -2, static_cast<int>(i + 1));
  }
  if (luaL_newmetatable(L, "crescent.shape")) {
    lua_pushcfunction(L, &guarded<shape_tostring>);
    lua_setfield(L, -2, "__tostring");
  }
  lua_setmetatable(L, -2);
  return 1;
}

int push_text(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int push_count(lua_State* L, int64_t count) {
  lua_pushnumber(L, static_cast<double>(count));
  return 1;
}

int field_dtype(Args& args) { return push_text(args.L(), dtype_words(tensor_at(args, 1))); }
int field_device(Args& args) { return push_text(args.L(), tensor_at(args, 1).device().str()); }
int field_numel(Args& args) { return push_count(args.L(), tensor_at(args, 1).numel()); }
int field_bytes(Args& args) {
  return push_count(args.L(), static_cast<int64_t>(tensor_at(args, 1).nbytes()));
}

// Metamethods.

/// The subject of a metamethod, which the debug library lets scripts call with anything.
const Box<LuaTensor>& tensor_box(lua_State* L, std::string_view what) {
  const auto* box = test_handle<LuaTensor>(L, 1);
  if (!box) throw ArgError(fmt::format("{}: expected a tensor, got {}", what, describe(L, 1)));
  return *box;
}

int tensor_tostring(lua_State* L) {
  const at::NoGradGuard no_grad;
  const auto& box = tensor_box(L, "tostring");
  return push_text(L, box ? format_tensor(box->tensor()) : "[closed tensor]");
}

at::Tensor open_tensor(lua_State* L, std::string_view what) {
  const auto& box = tensor_box(L, what);
  if (!box) throw ArgError(fmt::format("{}: expected an open tensor, got a closed one", what));
  return box->tensor();
}

int tensor_length(lua_State* L) {
  const at::Tensor& x = open_tensor(L, "#tensor");
  if (x.dim() == 0) throw ArgError("#tensor: a tensor of shape () has no length");
  return push_count(L, x.size(0));
}

int refuse_writing(lua_State*) {
  throw ArgError("tensors don't change: operations give new ones (masked_fill, where, cat, ...)");
}

std::string describe_handle(const void* handle) {
  const auto& box = *static_cast<const Box<LuaTensor>*>(handle);
  return box ? describe_tensor(box->tensor()) : "a closed tensor";
}

}  // namespace

void register_tensor_values() {
  provide({{"tensor:item", tensor_item},
           {"tensor:tolist", tensor_tolist},
           {"tensor:to", tensor_to},
           {"tensor:view", tensor_view},
           {"tensor:close", tensor_close}});
  provide_fields({{"tensor.shape", field_shape},
                  {"tensor.dtype", field_dtype},
                  {"tensor.device", field_device},
                  {"tensor.numel", field_numel},
                  {"tensor.bytes", field_bytes}});
  provide_metamethod("Tensor", "__tostring", guarded<tensor_tostring>);
  provide_metamethod("Tensor", "__len", guarded<tensor_length>);
  provide_metamethod("Tensor", "__newindex", guarded<refuse_writing>);
  set_handle_describer("Tensor", describe_handle);
}

}  // namespace crescent
