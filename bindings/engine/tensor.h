#pragma once
#include <ATen/core/Tensor.h>
#include <lua.hpp>

#include <string>

#include "bindings/args.h"
#include "bindings/handle.h"

namespace crescent {

/// A tensor that Lua owns. Nothing that Lua can call changes it. Counted by storage (pressure.h)
/// for as long as it lives.
class LuaTensor {
 public:
  explicit LuaTensor(at::Tensor tensor);
  LuaTensor(LuaTensor&& other) noexcept : tensor_(std::move(other.tensor_)) {}
  LuaTensor(const LuaTensor&) = delete;
  LuaTensor& operator=(const LuaTensor&) = delete;
  LuaTensor& operator=(LuaTensor&&) = delete;
  ~LuaTensor();

  const at::Tensor& tensor() const { return tensor_; }

 private:
  at::Tensor tensor_;
};

template <>
struct HandleName<LuaTensor> {
  static constexpr const char* value = "Tensor";
};

/// Pushes a tensor, and runs the collector first if Lua holds too much. Returns 1, the number of
/// results. What is pushed must have no gradient and must never be written to afterwards.
int push_tensor(lua_State* L, at::Tensor tensor);

/// The tensor at an argument whose kind was checked. @throws ArgError if it was closed.
at::Tensor tensor_at(const Args& args, int index);

/// The list of tensors at an argument. @throws ArgError naming the position of what is no tensor.
std::vector<at::Tensor> tensors_at(const Args& args, int index);

std::string shape_words(at::IntArrayRef shape);          ///< '(2, 3)'
std::string describe_tensor(const at::Tensor& tensor);   ///< 'a tensor of shape (2, 3)'
std::string_view dtype_words(const at::Tensor& tensor);  ///< 'float32'
std::string format_tensor(const at::Tensor& tensor);     ///< what print shows; folds what is large

/// Dimensions and positions count from 1 in Lua, from the end if negative; here from 0.
/// @throws ArgError for 0 and for what is out of range.
int64_t dimension_from_lua(const Args& args, int64_t dimension, int64_t dimensions);
int64_t position_from_lua(const Args& args, int64_t position, int64_t dimension, int64_t length);

/// Hands all functions of tensors to the registry.
void register_tensors();

}  // namespace crescent
