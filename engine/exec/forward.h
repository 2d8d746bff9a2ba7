#pragma once
#include <ATen/core/Tensor.h>

#include <span>
#include <string>
#include <vector>

#include "engine/model/model.h"
#include "engine/observe.h"

namespace crescent {

struct ForwardOptions {
  bool last_only = false;  ///< logits of the last position alone
  Observer* observer = nullptr;
};

/// Runs token ids through the model at its level, without a cache.
/// @param ids  (B, T) int64, every one in 0 .. vocab-1, 1 <= T <= positions_max. Checked.
/// @return     (B, T, V) or (B, 1, V), fp32.
/// @throws Error; logits that are not finite are an error that names the first layer where they
/// arose.
at::Tensor forward(const Model& model, const at::Tensor& ids, const ForwardOptions& options = {});

/// (1, T) int64 from plain ids, after checking them against the vocabulary.
at::Tensor ids_tensor(const Model& model, std::span<const int32_t> ids);

/// What a forward pass shows when asked: copies, taken through the observer.
struct Captured {
  at::Tensor logits;                  ///< (B, T, V)
  std::vector<at::Tensor> hidden;     ///< L+1 of (B, T, C): into block 0, then out of each block
  std::vector<at::Tensor> attention;  ///< L of (B, H, T, T)
  at::Tensor last_hidden;             ///< (B, T, C): what the head reads
};
struct CaptureOptions {
  bool hidden = false;
  bool attention = false;
};
Captured forward_captured(const Model& model, const at::Tensor& ids, const CaptureOptions& options);

/// Mean cross entropy of the T-1 predictions of one sequence, and its gradient for every weight (in
/// the layout's order, shaped as stored). Taken through detached aliases: the model's own tensors
/// never carry gradients. Level 1 only.
struct LossAndGradients {
  double loss;
  std::vector<at::Tensor> gradients;
};
LossAndGradients loss_and_gradients(const Model& model, const at::Tensor& ids);

}  // namespace crescent
