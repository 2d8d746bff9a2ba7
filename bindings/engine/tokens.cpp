#include <ATen/core/grad_mode.h>
#include <ATen/ops/topk.h>
#include <fmt/format.h>

#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor.h"
#include "bindings/engine/tensor_parts.h"
#include "bindings/push.h"
#include "bindings/registry.h"

namespace crescent {
namespace {

/// Ids as the files have them, and their logits; the most likely first.
int tokens_top(Args& args) {
  const at::NoGradGuard no_grad;
  lua_State* L = args.L();
  const at::Tensor given = tensor_at(args, 1);
  if (given.dim() < 1 || given.dim() > 2 || given.numel() == 0)
    args.bad(1, "logits of shape (V) or (T, V)", describe_tensor(given));
  const at::Tensor last = given.dim() == 2 ? given.select(0, given.size(0) - 1) : given;
  const int64_t k = args.integer(2);
  if (k > last.numel())
    args.bad(2, fmt::format("at most {} tokens", last.numel()), fmt::format("{}", k));
  const auto [values, ids] = at::topk(last.to(at::kCPU, at::kDouble), k, 0);
  push_ids(L, std::span(ids.data_ptr<int64_t>(), static_cast<size_t>(k)));
  push_list(L, std::span(values.data_ptr<double>(), static_cast<size_t>(k)));
  set_result(L, "values");
  return 2;
}

}  // namespace

void register_tokens() { provide({{"crescent.tokens.top", tokens_top}}); }

}  // namespace crescent
