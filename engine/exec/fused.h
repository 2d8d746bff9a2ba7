#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "engine/exec/watch.h"
#include "engine/model/config.h"
#include "engine/model/weights.h"

namespace crescent {

/// Keys and values of the tokens so far, in room taken once. Rows past `length` hold nothing.
struct KvCache {
  std::vector<at::Tensor> keys, values;  ///< L of (B, K, capacity, D); undefined without attention
  int64_t length = 0;
  int64_t capacity = 0;

  static int64_t bytes_for(const DecoderConfig& config, int64_t batch, int64_t capacity);
  KvCache(const DecoderConfig& config, int64_t batch, int64_t capacity);
};

struct FusedOptions {
  KvCache* cache =
      nullptr;  ///< ids continue what it holds; the caller adds T to its length afterwards
  bool last_only = false;
};

/// Level 1: all heads in one product, whole batches, a cache. Differentiable in the weights: where
/// gradients are wanted (grad mode on, no cache), nothing is written in place.
/// @param ids  (B, T) int64, already checked.   @param weights  fp32.
/// @return     (B, T, V), or (B, 1, V) with `last_only`.
at::Tensor fused_forward(const DecoderConfig& config, const Weights& weights, const at::Tensor& ids,
                         const Watch& watch, const FusedOptions& options);

}  // namespace crescent
