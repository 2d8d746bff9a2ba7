#include <ATen/ops/log_softmax.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include "engine/error.h"
#include "engine/exec/checks.h"
#include "engine/exec/forward.h"
#include "engine/exec/fused.h"

namespace crescent {

LossAndGradients loss_and_gradients(const Model& model, const at::Tensor& ids) {
  check_ids(model, ids);
  const int64_t tokens = ids.size(1);
  if (model.level() != 1) {
    fail(
        "gradients are taken at level 1, this model runs at level {}; use model:optimize {{ level "
        "= 1 }}",
        model.level());
  }
  if (ids.size(0) != 1) fail("gradients: expected one sequence, got {}", ids.size(0));
  if (tokens < 2)
    fail("gradients: expected at least 2 tokens (one predicts the next), got {}", tokens);
  if (tokens > model.config().positions_max) {
    fail("{} tokens are more than the model's {} positions", tokens, model.config().positions_max);
  }

  const c10::AutoGradMode with_gradients(true);
  Weights aliases(model.config().layers.size());
  for (const TensorSpec& spec : model.layout()) {
    aliases.set(spec, model.wide().at(spec).detach().requires_grad_(true));
  }
  const at::Tensor inputs = ids.narrow(1, 0, tokens - 1), targets = ids[0].narrow(0, 1, tokens - 1);
  const at::Tensor logits = fused_forward(model.config(), aliases, inputs, Watch(nullptr), {});
  const at::Tensor loss = at::nll_loss(at::log_softmax(logits[0], -1), targets);
  loss.backward();

  LossAndGradients result{loss.item<double>(), {}};
  for (const TensorSpec& spec : model.layout()) {
    const at::Tensor& alias = aliases.at(spec);
    // A tensor that the function does not depend on (a layer that lost all its heads) has none.
    result.gradients.push_back(alias.grad().defined() ? alias.grad()
                                                      : at::zeros_like(alias.detach()));
  }
  return result;
}

}  // namespace crescent
