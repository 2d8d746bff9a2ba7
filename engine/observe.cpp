#include "engine/observe.h"

namespace crescent {

const char* name_of(Section section) {
  switch (section) {
    case Section::load: return "load";
    case Section::tokenize: return "tokenize";
    case Section::prefill: return "prefill";
    case Section::decode: return "decode";
    case Section::sample: return "sample";
    case Section::detokenize: return "detokenize";
  }
  return "?";
}

const char* name_of(Site site) {
  switch (site) {
    case Site::embedding: return "embedding";
    case Site::attention_norm: return "attention.norm";
    case Site::qkv: return "qkv";
    case Site::attention: return "attention";
    case Site::attention_scores: return "scores";
    case Site::attention_scale_mask: return "scale+mask";
    case Site::attention_softmax: return "softmax";
    case Site::attention_value: return "value";
    case Site::attention_output: return "attention.output";
    case Site::attention_residual: return "attention.residual";
    case Site::ffn_norm: return "ffn.norm";
    case Site::ffn_up: return "ffn.up";
    case Site::ffn_gate_product: return "gate";
    case Site::ffn_up_product: return "up";
    case Site::ffn_activation: return "ffn.activation";
    case Site::ffn_activate: return "activate";
    case Site::ffn_multiply: return "multiply";
    case Site::ffn_down: return "ffn.down";
    case Site::ffn_residual: return "ffn.residual";
    case Site::block: return "block";
    case Site::final_norm: return "final norm";
    case Site::head: return "head";
  }
  return "?";
}

SiteDepth depth_of(Site site) {
  switch (site) {
    case Site::block: return SiteDepth::layer;
    case Site::attention_scores:
    case Site::attention_scale_mask:
    case Site::attention_softmax:
    case Site::attention_value:
    case Site::ffn_gate_product:
    case Site::ffn_up_product:
    case Site::ffn_activate:
    case Site::ffn_multiply: return SiteDepth::operation;
    default: return SiteDepth::component;
  }
}

}  // namespace crescent
