#include "bindings/engine/tensor.h"

#include <fmt/format.h>

#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor_parts.h"
#include "bindings/pressure.h"
#include "engine/dtype.h"
#include "engine/model/weights.h"

namespace crescent {
namespace {

const void* storage_of(const at::Tensor& tensor) { return tensor.storage().unsafeGetStorageImpl(); }

}  // namespace

LuaTensor::LuaTensor(at::Tensor tensor) : tensor_(std::move(tensor)) {
  pressure().hold(storage_of(tensor_), static_cast<int64_t>(tensor_.storage().nbytes()));
}

LuaTensor::~LuaTensor() {
  if (tensor_.defined()) pressure().release(storage_of(tensor_));
}

int push_tensor(lua_State* L, at::Tensor tensor) {
  LuaTensor held(std::move(tensor));
  collect_if_due(L);
  push_handle(L, std::move(held));
  return 1;
}

at::Tensor tensor_at(const Args& args, int index) { return args.handle<LuaTensor>(index).tensor(); }

std::vector<at::Tensor> tensors_at(const Args& args, int index) {
  lua_State* L = args.L();
  std::vector<at::Tensor> tensors;
  const auto count = static_cast<int>(lua_objlen(L, index));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, index, i);
    const Box<LuaTensor>* box = test_handle<LuaTensor>(L, -1);
    if (!box || !*box)
      args.bad(index, "a list of tensors", fmt::format("{} at position {}", describe(L, -1), i));
    tensors.push_back((*box)->tensor());
    lua_pop(L, 1);
  }
  if (tensors.empty()) args.bad(index, "a list of tensors", "an empty one");
  return tensors;
}

std::string shape_words(at::IntArrayRef shape) {
  return fmt::format("({})", fmt::join(shape.begin(), shape.end(), ", "));
}

std::string describe_tensor(const at::Tensor& tensor) {
  return fmt::format("a tensor of shape {}", shape_words(tensor.sizes()));
}

std::string_view dtype_words(const at::Tensor& tensor) { return name_of(dtype_of(tensor)); }

void register_tensors() {
  register_tensor_making();
  register_tensor_values();
  register_tensor_shapes();
  register_tensor_math();
  register_tokens();
}

}  // namespace crescent
