#include "engine/eval/perplexity.h"

#include <ATen/ops/log_softmax.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "engine/error.h"
#include "engine/eval/windows.h"
#include "engine/exec/forward.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

/// Sum of -ln p of a window's targets.
/// @param logits  (T, V) of that window
double nll_of(const at::Tensor& logits, std::span<const int32_t> ids, const Window& window) {
  const int64_t targets = window.end - window.first_target;
  const at::Tensor rows = logits.narrow(0, window.first_target - 1 - window.begin, targets);
  const at::Tensor log_p = at::log_softmax(rows, -1);  // (targets, V)
  const int64_t vocab = log_p.size(1);
  const float* values = log_p.data_ptr<float>();
  double nll = 0;
  for (int64_t i = 0; i < targets; ++i) {
    nll -= values[i * vocab + ids[static_cast<size_t>(window.first_target + i)]];
  }
  return nll;
}

}  // namespace

Perplexity perplexity(const Model& model, std::span<const int32_t> ids,
                      const PerplexityOptions& options) {
  check_evaluation(model, ids, options.window, options.batch);
  if (options.stride < 1 || options.stride > options.window) {
    fail("option 'stride': expected 1 .. {} (the window), got {}", options.window, options.stride);
  }
  const c10::NoGradGuard no_grad;
  const auto total = static_cast<int64_t>(ids.size());
  const std::vector<Window> windows = windows_over(total, options.window, options.stride);
  Perplexity result;
  for (const std::span<const Window> batch : batches_of(windows, options.batch)) {
    check_interrupt();
    const at::Tensor logits = forward(model, window_ids(ids, batch));  // (B, T, V)
    for (size_t row = 0; row < batch.size(); ++row) {
      result.nll_nats += nll_of(logits[static_cast<int64_t>(row)], ids, batch[row]);
      result.tokens += batch[row].end - batch[row].first_target;
    }
    if (options.on_progress) options.on_progress(batch.back().end, total);
  }
  result.perplexity = std::exp(result.nll_nats / static_cast<double>(result.tokens));
  return result;
}

}  // namespace crescent
