#include <ATen/TensorOperators.h>
#include <ATen/ops/log_softmax.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/eval/perplexity.h"
#include "engine/eval/windows.h"
#include "engine/exec/forward.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

/// Sums over the reference's logits, in double.
struct Moments {
  double sum = 0, squares = 0, count = 0;

  void add(const at::Tensor& logits) {
    const at::Tensor wide = logits.to(at::kDouble);
    sum += wide.sum().item<double>();
    squares += (wide * wide).sum().item<double>();
    count += static_cast<double>(wide.numel());
  }
  double deviation() const {
    const double mean = sum / count;
    return std::sqrt(std::max(squares / count - mean * mean, 0.0));
  }
};

/// Adds one window's positions.
/// @param ours, theirs  (T, V) logits of the model and of the reference
void compare(const at::Tensor& ours, const at::Tensor& theirs, Agreement& sums) {
  // In double: between equal models the rounding of fp32 would give a divergence below zero.
  const at::Tensor log_p = at::log_softmax(theirs.to(at::kDouble), -1);
  const at::Tensor log_q = at::log_softmax(ours.to(at::kDouble), -1);
  sums.kl_nats += (log_p.exp() * (log_p - log_q)).sum().item<double>();
  sums.top1 += ours.argmax(-1).eq(theirs.argmax(-1)).sum().item<double>();
  sums.max_abs_logit = std::max(sums.max_abs_logit, (ours - theirs).abs().max().item<double>());
  sums.tokens += ours.size(0);
}

}  // namespace

Agreement agreement(const Model& model, const Model& reference, std::span<const int32_t> ids,
                    const AgreementOptions& options) {
  if (model.config().vocab != reference.config().vocab) {
    fail("agreement: the vocabularies differ: {} and {} ids", model.config().vocab,
         reference.config().vocab);
  }
  check_evaluation(model, ids, options.window, options.batch);
  check_evaluation(reference, ids, options.window, options.batch);
  const c10::NoGradGuard no_grad;
  const auto total = static_cast<int64_t>(ids.size());
  std::vector<Window> windows;
  for (int64_t begin = 0; begin < total; begin += options.window) {
    windows.push_back({begin, std::min(begin + options.window, total), begin});
  }
  Agreement result;
  Moments moments;
  for (const std::span<const Window> together : batches_of(windows, options.batch)) {
    check_interrupt();
    const at::Tensor batch = window_ids(ids, together);
    const at::Tensor ours = forward(model, batch), theirs = forward(reference, batch);
    for (int64_t row = 0; row < batch.size(0); ++row) compare(ours[row], theirs[row], result);
    moments.add(theirs);
  }
  result.logit_spread = moments.deviation();
  const auto positions = static_cast<double>(result.tokens);
  result.kl_nats /= positions;
  result.top1 /= positions;
  return result;
}

}  // namespace crescent
