#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/model/model.h"

namespace crescent {

/// A stretch of a text that a forward pass sees, and the part of it that counts.
struct Window {
  int64_t begin = 0, end = 0;  ///< ids begin .. end-1 are fed
  int64_t first_target = 0;    ///< ids first_target .. end-1 are scored
};

/// Overlapping windows over `tokens` ids. A target is scored once, in the first window that holds
/// it together with a predecessor; with stride = window the first id of each window is never one.
std::vector<Window> windows_over(int64_t tokens, int64_t window, int64_t stride);

/// Neighbours of equal length, at most `batch` together: what runs in one forward pass. Only the
/// last window of a text may be shorter than the others.
std::vector<std::span<const Window>> batches_of(std::span<const Window> windows, int64_t batch);

/// (B, T) int64 for windows of one length.
at::Tensor window_ids(std::span<const int32_t> ids, std::span<const Window> windows);

/// @throws Error: fewer than two ids, one outside of the vocabulary, a window that doesn't fit.
void check_evaluation(const Model& model, std::span<const int32_t> ids, int64_t window,
                      int64_t batch);

}  // namespace crescent
