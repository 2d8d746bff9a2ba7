#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "engine/model/model.h"

namespace crescent {

struct PerplexityOptions {
  int64_t window = 256;  ///< tokens that a forward pass sees
  int64_t stride = 128;  ///< how far the next window starts; a target counts once, in the first
                         ///< window that holds it together with a predecessor
  int64_t batch = 8;     ///< full windows that run together
  std::function<void(int64_t done, int64_t total)> on_progress;  ///< tokens
};

struct Perplexity {
  double perplexity = 0;
  double nll_nats = 0;  ///< sum of -ln p over the targets
  int64_t tokens = 0;   ///< targets scored
};

/// Perplexity of a text with overlapping windows, each seeing only itself.
/// @throws Error: fewer than two ids, window under 2 or over positions_max, stride outside 1 ..
/// window.
Perplexity perplexity(const Model& model, std::span<const int32_t> ids,
                      const PerplexityOptions& options);

struct AgreementOptions {
  int64_t window = 256;
  int64_t batch = 8;
};
struct Agreement {
  double kl_nats = 0;        ///< mean over positions of KL(reference || model)
  double top1 = 0;           ///< share of positions with the same most likely id
  double max_abs_logit = 0;  ///< largest difference of a logit
  double logit_spread = 0;   ///< standard deviation of the reference's logits
  int64_t tokens = 0;        ///< positions compared
};
/// How far `model` is from `reference` on a text, in windows without overlap.
/// @throws Error if their vocabularies differ.
Agreement agreement(const Model& model, const Model& reference, std::span<const int32_t> ids,
                    const AgreementOptions& options);

}  // namespace crescent
