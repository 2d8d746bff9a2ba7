#include "engine/eval/windows.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "engine/error.h"

namespace crescent {

std::vector<Window> windows_over(int64_t tokens, int64_t window, int64_t stride) {
  std::vector<Window> windows;
  int64_t scored_to = 0;
  for (int64_t begin = 0; begin + 1 < tokens; begin += stride) {
    const int64_t end = std::min(begin + window, tokens);
    windows.push_back({begin, end, std::max(begin + 1, scored_to)});
    scored_to = end;
    if (end == tokens) break;
  }
  return windows;
}

std::vector<std::span<const Window>> batches_of(std::span<const Window> windows, int64_t batch) {
  const auto length = [&](size_t i) { return windows[i].end - windows[i].begin; };
  std::vector<std::span<const Window>> batches;
  for (size_t first = 0; first < windows.size();) {
    size_t last = first + 1;
    while (last < windows.size() && last - first < static_cast<size_t>(batch) &&
           length(last) == length(first)) {
      ++last;
    }
    batches.push_back(windows.subspan(first, last - first));
    first = last;
  }
  return batches;
}

at::Tensor window_ids(std::span<const int32_t> ids, std::span<const Window> windows) {
  const int64_t length = windows.front().end - windows.front().begin;
  const at::Tensor tensor = at::empty({static_cast<int64_t>(windows.size()), length}, at::kLong);
  int64_t* out = tensor.data_ptr<int64_t>();
  for (const Window& w : windows) out = std::copy(ids.begin() + w.begin, ids.begin() + w.end, out);
  return tensor;
}

void check_evaluation(const Model& model, std::span<const int32_t> ids, int64_t window,
                      int64_t batch) {
  if (ids.size() < 2) {
    fail("the text has {} {}: expected at least 2, since one predicts the next", ids.size(),
         ids.size() == 1 ? "token" : "tokens");
  }
  const int64_t positions = model.config().positions_max;
  if (window < 2 || window > positions) {
    fail("option 'window': expected 2 .. {} (the model's positions), got {}", positions, window);
  }
  if (batch < 1) fail("batch: expected at least 1, got {}", batch);
  const int64_t vocab = model.config().vocab;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocab) continue;
    fail("token id {} at position {} is outside the vocabulary: expected 0 .. {}", ids[i], i + 1,
         vocab - 1);
  }
}

}  // namespace crescent
