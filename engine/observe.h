#pragma once
#include <cstdint>
#include <span>

namespace crescent {

/// The places in a forward pass that can be watched. The only way by which anything outside looks
/// into one: levels announce where they are, and hand out views of what they computed.
enum class Site : uint8_t {
  embedding,          ///< (B, T, C) what enters block 0
  attention_norm,     ///< (B, T, C)
  qkv,                ///< span only
  attention_scores,   ///< span only: scores, scale and mask
  attention_softmax,  ///< (B, H, T, S) probabilities, 0 where masked
  attention_value,    ///< (B, T, H*D) heads side by side, before the output projection
  attention_output,   ///< (B, T, C)
  ffn_norm,           ///< (B, T, C)
  ffn_up,             ///< (B, T, F)
  ffn_activation,     ///< (B, T, F)
  ffn_down,           ///< (B, T, C)
  block,              ///< (B, T, C) what leaves block `layer`
  final_norm,         ///< (B, T, C) or (B, 1, C)
  head,               ///< (B, T, V) or (B, 1, V)
};
constexpr int kSites = static_cast<int>(Site::head) + 1;

/// A tensor of fp32 that someone else owns, readable during the call only. Contiguous.
struct TensorView {
  const float* data = nullptr;
  std::span<const int64_t> shape;
};

/// Set of sites, fixed before a pass begins; tested once a site, never once an element.
struct SiteSet {
  uint32_t bits = 0;
  constexpr bool has(Site site) const { return bits >> static_cast<int>(site) & 1; }
  constexpr SiteSet& add(Site site) {
    bits |= 1u << static_cast<int>(site);
    return *this;
  }
};

class Observer {
 public:
  virtual ~Observer() = default;
  virtual SiteSet wanted_tensors() const { return {}; }
  virtual SiteSet wanted_spans() const { return {}; }
  virtual void tensor(Site, int32_t /*layer*/, const TensorView&) {}
  virtual void begin(Site, int32_t /*layer*/) {}
  /// Must not throw: it is also called while an error passes.
  virtual void end(Site, int32_t /*layer*/) {}
};

}  // namespace crescent
