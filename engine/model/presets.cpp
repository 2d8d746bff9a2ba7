#include "engine/model/presets.h"

#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "engine/error.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

constexpr int64_t kGpt2Vocab = 50257;

struct Size {
  int64_t layers;
  int32_t heads;
  int64_t width;
};

/// Radford et al. 2019, as published: 1,024 positions, feed-forward 4 x width, tied head.
DecoderConfig gpt2(const Size& size) {
  const LayerShape shape{.heads = size.heads,
                         .kv_heads = size.heads,
                         .head_dim = size.width / size.heads,
                         .ffn_width = 4 * size.width};
  DecoderConfig config;
  config.family = "gpt2";
  config.vocab = kGpt2Vocab;
  config.d_model = size.width;
  config.positions_max = 1024;
  config.layers = whole_layers(shape, size.layers);
  return config;
}

struct LlamaSize {
  int64_t layers;
  LayerShape shape;
  int64_t width;
  int64_t vocab;
  int64_t positions;
  bool tied_head;
};

DecoderConfig llama(const LlamaSize& size) {
  DecoderConfig config;
  config.family = "llama";
  config.vocab = size.vocab;
  config.d_model = size.width;
  config.positions_max = size.positions;
  config.norm = NormKind::rms_norm;
  config.positions = PositionKind::rotary;
  config.activation = Activation::silu;
  config.gated_ffn = true;
  config.qkv_bias = config.attention_output_bias = config.ffn_bias = false;
  config.tied_head = size.tied_head;
  config.layers = whole_layers(size.shape, size.layers);
  return config;
}

DecoderConfig tinyllama() {
  return llama({.layers = 22,
                .shape = {.heads = 32, .kv_heads = 4, .head_dim = 64, .ffn_width = 5632},
                .width = 2048,
                .vocab = 32000,
                .positions = 2048,
                .tied_head = false});
}

/// RMS norm, rotary positions, SwiGLU; GPT-2's vocabulary, feed-forward 4 x width, tied head.
DecoderConfig decoder(const Size& size, int64_t positions) {
  return llama({.layers = size.layers,
                .shape = {.heads = size.heads,
                          .kv_heads = size.heads,
                          .head_dim = size.width / size.heads,
                          .ffn_width = 4 * size.width},
                .width = size.width,
                .vocab = kGpt2Vocab,
                .positions = positions,
                .tied_head = true});
}

constexpr std::array<Preset, 9> kPresets{{
    {"gpt2", "GPT-2, 124 M",
     [] {
       return gpt2({12, 12, 768});
     }},
    {"gpt2-medium", "GPT-2, 355 M",
     [] {
       return gpt2({24, 16, 1024});
     }},
    {"gpt2-large", "GPT-2, 774 M",
     [] {
       return gpt2({36, 20, 1280});
     }},
    {"gpt2-xl", "GPT-2, 1.6 B",
     [] {
       return gpt2({48, 25, 1600});
     }},
    {"distilgpt2", "GPT-2 with half of its layers, 82 M",
     [] {
       return gpt2({6, 12, 768});
     }},
    {"tinyllama-1.1b", "Llama with 4 key/value heads, 1.1 B", tinyllama},
    {"decoder_tiny", "RMS norm, rotary, SwiGLU; 6 layers of width 512",
     [] {
       return decoder({6, 8, 512}, 1024);
     }},
    {"decoder_small", "RMS norm, rotary, SwiGLU; 12 layers of width 768",
     [] {
       return decoder({12, 12, 768}, 2048);
     }},
    {"decoder_medium", "RMS norm, rotary, SwiGLU; 24 layers of width 1024",
     [] {
       return decoder({24, 16, 1024}, 4096);
     }},
}};

}  // namespace

std::span<const Preset> presets() { return kPresets; }

const Preset& preset(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Preset& candidate : kPresets) {
    if (candidate.name == name) return candidate;
    known.push_back(candidate.name);
  }
  fail("preset: expected one of {}, found '{}'{}", fmt::join(known, ", "), name,
       did_you_mean(name, known));
}

}  // namespace crescent
