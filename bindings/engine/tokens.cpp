#include <ATen/core/grad_mode.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/topk.h>
#include <fmt/format.h>

#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor.h"
#include "bindings/engine/tensor_parts.h"
#include "bindings/registry.h"

namespace crescent {
namespace {

void set_number(lua_State* L, const char* name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

/// Rows of { id, logit, probability }, the most likely first.
int tokens_top(Args& args) {
  const at::NoGradGuard no_grad;
  lua_State* L = args.L();
  const at::Tensor& given = tensor_at(args, 1);
  if (given.dim() < 1 || given.dim() > 2 || given.numel() == 0)
    args.bad(1, "logits of shape (V) or (T, V)", describe_tensor(given));
  const at::Tensor last = given.dim() == 2 ? given.select(0, given.size(0) - 1) : given;
  const int64_t k = args.integer(2);
  if (k > last.numel())
    args.bad(2, fmt::format("at most {} tokens", last.numel()), fmt::format("{}", k));
  const at::Tensor logits = last.to(at::kCPU, at::kDouble);
  const at::Tensor probabilities = at::softmax(logits, 0);
  const auto [values, ids] = at::topk(logits, k, 0);
  const auto* value = values.data_ptr<double>();
  const auto* id = ids.data_ptr<int64_t>();
  const auto* probability = probabilities.data_ptr<double>();
  lua_createtable(L, static_cast<int>(k), 0);
  for (int64_t i = 0; i < k; ++i) {
    lua_createtable(L, 0, 3);
    set_number(L, "id", static_cast<double>(id[i]));
    set_number(L, "logit", value[i]);
    set_number(L, "probability", probability[id[i]]);
    lua_rawseti(L, -2, static_cast<int>(i + 1));
  }
  set_result(L, "tokens");
  return 1;
}

}  // namespace

void register_tokens() { provide({{"crescent.tokens.top", tokens_top}}); }

}  // namespace crescent
