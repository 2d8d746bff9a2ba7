#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "engine/model/config.h"
#include "engine/model/layout.h"
#include "engine/model/storage.h"
#include "engine/observe.h"

namespace crescent {

constexpr int kParts = static_cast<int>(Part::head) + 1;

/// Counts by part, from the description alone. A tied head counts once, as embedding.
struct PartCounts {
  std::array<int64_t, kParts> by_part{};
  int64_t operator[](Part part) const { return by_part[static_cast<size_t>(part)]; }
  int64_t total() const;
};

int64_t elements(const TensorSpec& tensor);
PartCounts parameters(const Layout& layout);

/// A batch of equally long sequences.
struct CacheShape {
  int64_t batch = 1;
  int64_t capacity = 0;  ///< tokens of each
};
/// Numbers that all layers' keys and values are; the largest int64 where there are more.
int64_t cache_elements(const DecoderConfig& config, const CacheShape& shape);
/// What they take as a plan stores them, scales included; likewise.
int64_t cache_bytes(const DecoderConfig& config, const CacheShape& shape, Width width);

/// Floating-point operations to decode one token when `context` tokens (itself included) are
/// attended to. A multiply-add counts as 2; norms, activations and softmax are not counted.
/// A tied head's product counts as head.
PartCounts flops_per_token(const DecoderConfig& config, int64_t context);

/// Weight elements that a batch-1 decode step reads: all matrices and biases once, one row of each
/// embedding table, the head's whole matrix.
int64_t elements_read_per_token(const DecoderConfig& config, const Layout& layout);

/// Bytes of those, as a plan stores them; levels 0 to 2 read float32.
int64_t bytes_read_per_token(const DecoderConfig& config, const Layout& layout,
                             const Storage& storage);

/// What there is to do somewhere: a multiply-add is 2 FLOPs; bytes are those of weights and of
/// cached keys and values, as they are stored, that have to be read. Activations are not counted.
struct Work {
  double flops = 0;
  double bytes = 0;
};

/// The work at a site in a forward pass over `size.tokens` new tokens behind `size.past` cached
/// ones, for one sequence. Scores are computed for every pair of tokens, the masked ones too.
/// Nothing for sites whose work is not counted: norms, activations, softmax, residuals.
std::optional<Work> work_at(const DecoderConfig& config, Site site, int32_t layer, SectionSize size,
                            const Storage& storage = {});

/// The work of a whole forward pass: that of all its components.
Work work_of_pass(const DecoderConfig& config, SectionSize size, const Storage& storage = {});

}  // namespace crescent
