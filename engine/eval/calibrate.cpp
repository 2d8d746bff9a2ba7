#include "engine/eval/calibrate.h"

#include <algorithm>
#include <vector>

#include "engine/error.h"
#include "engine/eval/input_squares.h"
#include "engine/eval/windows.h"
#include "engine/exec/forward.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

constexpr int64_t kWindowsAtOnce = 8;

/// A level that is exact, and holds no fp32 copies of weights that level 3 is to make smaller.
std::shared_ptr<const Model> exact_level(const Model& model) {
  const bool is_bf16 =
      std::all_of(model.layout().begin(), model.layout().end(), [&](const TensorSpec& spec) {
        return !is_matrix(spec, model.config().tied_head) ||
               model.stored().at(spec).scalar_type() == at::kBFloat16;
      });
  if (!is_bf16) return model.at_level(1);
  return model.optimized({.level = 3, .storage = {.weights = Width::bf16, .head = Width::bf16}});
}

}  // namespace

std::shared_ptr<const Calibration> calibrate(const Model& model, std::span<const int32_t> ids,
                                             const CalibrateOptions& options) {
  check_evaluation(model, ids, options.window, kWindowsAtOnce);
  const auto exact = exact_level(model);
  const std::vector<Window> windows =
      windows_over(static_cast<int64_t>(ids.size()), options.window, options.window);
  InputSquares squares(SiteSet(kLayerInputs).add(Site::final_norm));
  auto made = std::make_shared<Calibration>();
  int64_t done = 0;
  for (const std::span<const Window> batch : batches_of(windows, kWindowsAtOnce)) {
    check_interrupt();
    forward(*exact, window_ids(ids, batch), {.observer = &squares});
    for (const Window& window : batch) made->tokens += window.end - window.begin;
    done += static_cast<int64_t>(batch.size());
    if (options.on_progress) options.on_progress(done, static_cast<int64_t>(windows.size()));
  }
  for (const auto& [place, sums] : squares.all()) {
    std::vector<float>& means = made->mean_squares[place];
    const auto* const sum = sums.data_ptr<double>();
    for (int64_t k = 0; k < sums.numel(); ++k)
      means.push_back(static_cast<float>(sum[k] / static_cast<double>(made->tokens)));
  }
  return made;
}

}  // namespace crescent
