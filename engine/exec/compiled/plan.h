#pragma once
#include <cstdint>
#include <variant>
#include <vector>

#include "engine/kernels/stored.h"
#include "engine/model/config.h"
#include "engine/model/level_options.h"
#include "engine/observe.h"

// The static plan of levels 2 and 3: a decoder's forward pass as a list of steps over numbered
// buffers, made once from the description. Tensor-free; who owns the weights is in weights.h, what
// runs it in run.h.
//
//   embed -> x        (R, C)   R rows: B sequences of T tokens each, one behind the other
//   for every layer:
//     norm x -> n                                     (R, C)
//     product n -> qkv                                (R, (H+2K)*D)
//     attend qkv, cache -> heads                      (R, H*D)   rotary, the way into the cache too
//     product heads, added to x
//     norm x -> n
//     product n -> hidden, activated and gated        (R, F)
//     product hidden, added to x
//   norm x -> n, product n -> logits                  (R, V) or (B, V)

namespace crescent::compiled {

/// A matrix where it lies: [out, in], narrower than fp32 or not; y = W x + bias.
struct Matrix {
  kernels::Stored w;
  const float* bias = nullptr;  ///< [out]; null: none
  int64_t out = 0;
  int64_t in = 0;
};

struct NormWeights {
  const float* weight = nullptr;  ///< [C]
  const float* bias = nullptr;    ///< [C]; null: none
};

struct LayerWeights {
  NormWeights attention_norm, ffn_norm;
  std::vector<Matrix> qkv;  ///< one, or three whose results stand side by side
  Matrix attention_output;
  Matrix ffn_gate;  ///< gated only
  Matrix ffn_up, ffn_down;
  std::vector<float> frequencies;  ///< rotary only: radians a position, D/2
};

struct PlanWeights {
  kernels::Stored token_embedding;            ///< [V, C]
  const float* position_embedding = nullptr;  ///< [positions, C]; learned positions only
  NormWeights final_norm;
  Matrix head;
  std::vector<LayerWeights> layers;
};

/// Numbered in the order of their making.
using Buffer = int32_t;
constexpr Buffer kNone = -1;

// Steps. Those that a pass always has: ------------------------------------------------------------

/// Cosines, then sines, of a head's D/2 angles at each of the T positions: (T, D).
struct AnglesStep {
  Buffer out;
  int64_t head_dim;
  std::vector<float> frequencies;  ///< radians a position, D/2
};
struct EmbedStep {
  Buffer out;
};
/// Each row is normalized by itself.
struct NormStep {
  Buffer in, out;
  NormWeights weights;
  bool last = false;  ///< the final one: with the last logits alone, of the last rows alone
};
/// out = act(W in + bias), the results of several matrices side by side; or out += W in + bias.
struct ProductStep {
  Buffer in, out;
  std::vector<Matrix> parts;
  int64_t width = 0;  ///< of all parts together
  bool add = false;
  bool activate = false;
};
/// out = act(gate in + bias) * (up in + bias)
struct GatedStep {
  Buffer in, out;
  Matrix gate, up;
};
/// Turns queries and keys, puts keys and values into the cache, and mixes the values.
struct AttendStep {
  Buffer qkv, out;
  Buffer angles;  ///< kNone: positions are not rotary
  int32_t layer;
  bool show = false;  ///< keep the probabilities for ShowProbabilitiesStep
};
/// Behind the last step that looks from one token to another: where the last logits alone are
/// wanted, only the last token of every sequence goes on.
struct NarrowStep {
  struct Kept {
    Buffer buffer;
    int64_t width;
  };
  std::vector<Kept> kept;
};
struct HeadStep {
  Buffer in;
  Matrix matrix;
};

// Those that are there for an observer; the last three also where epilogues are not fused: --------

struct BeginStep {
  Site site;
  int32_t layer;
};
struct EndStep {
  Site site;
  int32_t layer;
};
/// Hands out what is in a buffer, as (B, T, width).
struct ShowStep {
  Site site;
  int32_t layer;
  Buffer buffer;
  int64_t width;
};
struct ShowLogitsStep {};
/// Hands out (B, H, T, S) probabilities, which attention stores for this alone.
struct ShowProbabilitiesStep {
  int32_t layer;
};
/// What a product would do on its way out, where its result has to be seen before: out = act(in).
struct ActivateStep {
  Buffer in, out;
  int64_t width;
};
/// out = act(gate) * up
struct GateStep {
  Buffer gate, up, out;
  int64_t width;
};
/// out += in
struct AddStep {
  Buffer in, out;
  int64_t width;
};

using Step = std::variant<AnglesStep, EmbedStep, NormStep, ProductStep, GatedStep, AttendStep,
                          NarrowStep, HeadStep, BeginStep, EndStep, ShowStep, ShowLogitsStep,
                          ShowProbabilitiesStep, ActivateStep, GateStep, AddStep>;

/// The buffers that must be there while a step runs: those it reads and those it writes.
std::vector<Buffer> buffers_of(const Step& step);

/// What an observer wants of a pass.
struct Taps {
  SiteSet tensors, spans;
  bool any() const { return (tensors.bits | spans.bits) != 0; }
  bool operator==(const Taps& other) const {
    return tensors.bits == other.tensors.bits && spans.bits == other.spans.bits;
  }
};

/// Steps in order, and where their buffers lie.
struct Program {
  std::vector<Step> steps;
  std::vector<int64_t> widths;   ///< of each buffer, floats a row
  std::vector<int64_t> offsets;  ///< of each buffer in the arena, floats a row
  int64_t arena_width = 0;       ///< floats a row
  std::vector<bool> is_norm;     ///< for each buffer: holds a norm's result
};

/// What a program is made for.
struct ProgramOptions {
  Passes passes = {};
  Taps taps = {};
};
/// Where a tensor that an observer wants would hide in a fused step, the step is taken apart. A
/// watched pass computes all rows to its end, as levels 0 and 1 do: no NarrowStep.
Program make_program(const DecoderConfig& config, const PlanWeights& weights,
                     const ProgramOptions& options);

/// What does not change from pass to pass. Shared by any number of runners.
struct Plan {
  DecoderConfig config;
  PlanWeights weights;
  Passes passes;
  Width kv;         ///< of the caches of its runners
  Program program;  ///< without taps

  Plan(DecoderConfig config, PlanWeights weights, Passes passes = {}, Width kv = Width::fp32);
};

}  // namespace crescent::compiled
