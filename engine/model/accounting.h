#pragma once
#include <array>
#include <cstdint>

#include "engine/model/config.h"
#include "engine/model/layout.h"

namespace crescent {

constexpr int kParts = static_cast<int>(Part::head) + 1;

/// Counts by part, from the description alone. A tied head counts once, as embedding.
struct PartCounts {
  std::array<int64_t, kParts> by_part{};
  int64_t operator[](Part part) const { return by_part[static_cast<size_t>(part)]; }
  int64_t total() const;
};

PartCounts parameters(const Layout& layout);

/// Floating-point operations to decode one token when `context` tokens (itself included) are
/// attended to. A multiply-add counts as 2; norms, activations and softmax are not counted.
/// A tied head's product counts as head.
PartCounts flops_per_token(const DecoderConfig& config, int64_t context);

/// Weight elements that a batch-1 decode step reads: all matrices and biases once, one row of each
/// embedding table, the head's whole matrix.
int64_t elements_read_per_token(const DecoderConfig& config, const Layout& layout);

}  // namespace crescent
