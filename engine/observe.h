#pragma once
#include <cstdint>
#include <span>

namespace crescent {

/// What a stretch of a run is for. Sections follow each other and never nest.
enum class Section : uint8_t {
  load,        ///< folder -> usable model
  tokenize,    ///< text -> ids
  prefill,     ///< the forward pass over the prompt
  decode,      ///< the forward pass of one new token
  sample,      ///< logits -> an id
  detokenize,  ///< an id -> text, stop texts, and what the caller does with it
};
constexpr int kSections = static_cast<int>(Section::detokenize) + 1;
const char* name_of(Section);

/// How much work a section does, if it is a forward pass.
struct SectionSize {
  int32_t tokens = 0;  ///< new ones, of all sequences together
  int32_t past = 0;    ///< held before
  int32_t logits = 0;  ///< positions whose logits are computed
  bool operator==(const SectionSize&) const = default;
};

/// The places in a forward pass that can be watched. The only way by which anything outside looks
/// into one: levels announce where they are, and hand out views of what they computed.
///
/// Spans nest: block > component > operation (`depth_of`). A level that fuses operations announces
/// only what can be told apart. Shapes are those of tensors; 'span' and 'tensor' mark sites that
/// are only one of the two.
enum class Site : uint8_t {
  embedding,             ///< (B, T, C) what enters block 0
  attention_norm,        ///< (B, T, C)
  qkv,                   ///< span: projections, rotary positions, and their way into the cache
  attention,             ///< span: from scores to the mixture of values
  attention_scores,      ///< span, operation
  attention_scale_mask,  ///< span, operation; absent where it is a part of the scores' product
  attention_softmax,     ///< (B, H, T, S) probabilities, 0 where masked; operation
  /// (B, T, H*D) heads side by side, before the output projection; operation
  attention_value,
  attention_output,    ///< (B, T, C)
  attention_residual,  ///< (B, T, C) what enters the feed-forward's norm
  ffn_norm,            ///< (B, T, C)
  ffn_up,              ///< (B, T, F); span: both projections of a gated feed-forward
  ffn_gate_product,    ///< (B, T, F) before the activation; operation, gated only
  ffn_up_product,      ///< span, operation, gated only
  ffn_activation,      ///< (B, T, F) what the down projection takes
  ffn_activate,        ///< span, operation, gated only
  ffn_multiply,        ///< span, operation, gated only
  ffn_down,            ///< (B, T, C)
  ffn_residual,        ///< span
  block,               ///< (B, T, C) what leaves block `layer`
  final_norm,          ///< (B, T, C) or (B, 1, C)
  head,                ///< (B, T, V) or (B, 1, V)
};
constexpr int kSites = static_cast<int>(Site::head) + 1;
const char* name_of(Site);  ///< 'ffn.activation', 'scores': as profiles print it

enum class SiteDepth : uint8_t { layer, component, operation };
SiteDepth depth_of(Site);

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
static_assert(kSites <= 32);

/// Sections come from whoever runs a model, sites from within a pass. What ends something must not
/// throw: it is also called while an error passes.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Asked once a forward pass.
  virtual SiteSet wanted_tensors() const { return {}; }
  virtual SiteSet wanted_spans() const { return {}; }
  virtual void tensor(Site, int32_t /*layer*/, const TensorView&) {}
  virtual void begin(Site, int32_t /*layer*/) {}
  virtual void end(Site, int32_t /*layer*/) {}
  virtual void begin_section(Section, SectionSize) {}
  virtual void end_section(Section) {}
};

/// Marks a section for as long as it lives.
class SectionSpan {
 public:
  SectionSpan(Observer* observer, Section section, SectionSize size = {})
      : observer_(observer), section_(section) {
    if (observer_) observer_->begin_section(section_, size);
  }
  ~SectionSpan() {
    if (observer_) observer_->end_section(section_);
  }
  SectionSpan(const SectionSpan&) = delete;
  SectionSpan& operator=(const SectionSpan&) = delete;

 private:
  Observer* observer_;
  Section section_;
};

}  // namespace crescent
