#include "engine/exec/compiled/passes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/exec/compiled/plan.h"
#include "engine/exec/compiled/run.h"
#include "engine/model/accounting.h"

namespace crescent::compiled {
namespace {

std::string counted(int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

/// Weights of the right shapes that lie nowhere: all that a program's builder looks at.
PlanWeights without_numbers(const DecoderConfig& config) {
  PlanWeights weights;
  weights.head.out = config.vocab;
  for (const LayerSpec& spec : config.layers) {
    LayerWeights layer;
    layer.qkv.resize(1);
    layer.qkv[0].out = (spec.heads() + 2 * spec.kv_heads) * spec.head_dim;
    layer.attention_output.out = layer.ffn_down.out = config.d_model;
    layer.ffn_gate.out = layer.ffn_up.out = spec.ffn_width;
    weights.layers.push_back(std::move(layer));
  }
  return weights;
}

class Reporter {
 public:
  Reporter(const DecoderConfig& config, const Layout& layout, const LevelOptions& options,
           const CalibrationGain& gain)
      : config_(config),
        layout_(layout),
        options_(options),
        gain_(gain),
        weights_(without_numbers(config)),
        program_(program_of(options.passes)) {}

  std::vector<PassReport> all() const {
    std::vector<PassReport> reports{fuse_epilogue(), last_rows(), share_arena(), transpose()};
    if (options_.level >= 3) {
      reports.push_back(weights());
      reports.push_back(head());
      reports.push_back(kv());
      reports.push_back(calibration());
    }
    return reports;
  }

 private:
  Program program_of(const Passes& passes) const {
    return make_program(config_, weights_, {.passes = passes});
  }
  /// The program that there would be without a pass.
  Program without(bool Passes::*pass) const {
    Passes passes = options_.passes;
    passes.*pass = false;
    return program_of(passes);
  }
  /// What the arena is larger by, with `other` in place of the program that there is.
  int64_t arena_bytes_above(const Program& other) const {
    const int64_t rows = std::min<int64_t>(config_.positions_max, Runner::kRowsMax);
    return (other.arena_width - program_.arena_width) * rows * int64_t{sizeof(float)};
  }
  static PassReport off(std::string_view name, std::string_view source) {
    return {.name = name, .on = false, .changed = "switched off", .source = source};
  }

  PassReport fuse_epilogue() const {
    constexpr std::string_view kSource = "Chen et al. 2018, arXiv:1802.04799";
    if (!options_.passes.fuse_epilogue) return off("fuse_epilogue", kSource);
    const Program apart = without(&Passes::fuse_epilogue);
    const auto fused = std::count_if(apart.steps.begin(), apart.steps.end(), [](const Step& step) {
      return std::holds_alternative<ActivateStep>(step) || std::holds_alternative<GateStep>(step) ||
             std::holds_alternative<AddStep>(step);
    });
    const auto layers =
        std::count_if(config_.layers.begin(), config_.layers.end(),
                      [](const LayerSpec& spec) { return spec.has_attention || spec.has_ffn; });
    return {.name = "fuse_epilogue",
            .changed = fmt::format("{} on the way out of the product before: {} steps, not {}",
                                   counted(fused, "activation or sum", "activations and sums"),
                                   program_.steps.size(), apart.steps.size()),
            .layers = layers,
            .bytes = -arena_bytes_above(apart),
            .source = kSource};
  }

  PassReport last_rows() const {
    if (!options_.passes.last_rows) return off("last_rows", "");
    int64_t last = -1;
    const auto layers = static_cast<int64_t>(config_.layers.size());
    for (int64_t i = 0; i < layers; ++i) {
      const LayerSpec& spec = config_.layers[static_cast<size_t>(i)];
      if (spec.has_attention && spec.heads() > 0) last = i;
    }
    if (last < 0) return {.name = "last_rows", .changed = "nothing: no layer attends"};
    return {.name = "last_rows",
            .changed = fmt::format("prefill: only the last token goes on behind the attention of "
                                   "layer {} of {}",
                                   last + 1, layers),
            .layers = layers - last};
  }

  PassReport share_arena() const {
    constexpr std::string_view kSource = "Pisarchyk & Lee 2020, arXiv:2001.03288";
    if (!options_.passes.share_arena) return off("share_arena", kSource);
    const Program apart = without(&Passes::share_arena);
    const double share = static_cast<double>(program_.arena_width) /
                         static_cast<double>(std::max(apart.arena_width, int64_t{1}));
    return {.name = "share_arena",
            .changed = fmt::format("{} buffers in {:.2g} % of their room", program_.widths.size(),
                                   100 * share),
            .layers = static_cast<int64_t>(config_.layers.size()),
            .bytes = -arena_bytes_above(apart),
            .source = kSource};
  }

  /// Some matrices of the model.
  struct Matrices {
    int64_t count = 0, padded = 0;
    int64_t bytes = 0;  ///< of their copies, above what fp32 takes
    std::set<int32_t> layers;
  };
  template <class Counts>
  Matrices matrices(Counts counts) const {
    Matrices sum;
    for (const TensorSpec& spec : layout_) {
      if (!is_matrix(spec, config_.tied_head) || !counts(spec)) continue;
      const MatrixShape shape = matrix_shape(spec);
      const Width width = width_of(spec, config_.tied_head, options_.storage);
      ++sum.count;
      sum.layers.insert(spec.layer);
      if (width == Width::fp32) continue;
      if (is_padded(shape.in, width)) ++sum.padded;
      sum.bytes += packed_bytes(shape, width) - elements(spec) * int64_t{sizeof(float)};
    }
    return sum;
  }

  PassReport transpose() const {
    const Matrices turned = matrices([](const TensorSpec& spec) { return spec.in_out; });
    const auto layers = static_cast<int64_t>(turned.layers.size());
    if (turned.count == 0)
      return {.name = "transpose", .changed = "nothing: all matrices are stored as [out, in]"};
    const bool is_packed = options_.storage.weights != Width::fp32;
    int64_t bytes = 0;
    for (const TensorSpec& spec : layout_) {
      if (spec.in_out && !is_packed) bytes += elements(spec) * int64_t{sizeof(float)};
    }
    return {.name = "transpose",
            .changed = fmt::format("{} stored as [in, out], {} as [out, in]",
                                   counted(turned.count, "matrix", "matrices"),
                                   is_packed ? "packed" : "copied"),
            .layers = layers,
            .bytes = bytes};
  }

  static std::string_view source_of(Width width) {
    switch (width) {
      case Width::fp32: return "";
      case Width::bf16: return "Kalamkar et al. 2019, arXiv:1905.12322";
      case Width::int8: return "Jacob et al. 2018, arXiv:1712.05877";
      case Width::int8_grouped:
      case Width::int4: return "Dettmers & Zettlemoyer 2023, arXiv:2212.09720";
    }
    return "";
  }

  static std::string padding(const Matrices& some) {
    if (some.padded == 0) return "";
    return fmt::format("; {} of {} padded to groups of {}", some.padded,
                       counted(some.count, "matrix", "matrices"), kernels::kGroup);
  }

  PassReport weights() const {
    const Matrices narrow = matrices([](const TensorSpec& spec) { return spec.layer >= 0; });
    const Width width = options_.storage.weights;
    return {.name = "weights",
            .changed = fmt::format("{} as {}{}", counted(narrow.count, "matrix", "matrices"),
                                   words_of(width), padding(narrow)),
            .layers = static_cast<int64_t>(narrow.layers.size()),
            .bytes = narrow.bytes,
            .source = source_of(width)};
  }

  PassReport head() const {
    const Width width = options_.storage.head;
    const std::string_view what =
        config_.tied_head ? "output head and embedding, which are one," : "output head";
    if (width == Width::fp32)
      return {.name = "head", .on = false, .changed = fmt::format("{} stays as it is", what)};
    const Matrices narrow = matrices([](const TensorSpec& spec) { return spec.layer < 0; });
    return {.name = "head",
            .changed = fmt::format("{} as {}{}", what, words_of(width), padding(narrow)),
            .bytes = narrow.bytes,
            .source = source_of(width)};
  }

  PassReport kv() const {
    const Width width = options_.storage.kv;
    if (width == Width::fp32)
      return {.name = "kv", .on = false, .changed = "keys and values stay as they are"};
    const auto bytes = [&](int64_t tokens, Width of) {
      return cache_bytes(config_, {.batch = 1, .capacity = tokens}, of);
    };
    const auto layers = std::count_if(config_.layers.begin(), config_.layers.end(),
                                      [](const LayerSpec& spec) { return spec.has_attention; });
    return {
        .name = "kv",
        .changed = fmt::format("keys and values as {}: {} B a token, not {}", words_of(width),
                               bytes(1, width), bytes(1, Width::fp32)),
        .layers = layers,
        .bytes = bytes(config_.positions_max, width) - bytes(config_.positions_max, Width::fp32),
        .source = width == Width::int8 ? "Sheng et al. 2023, arXiv:2303.06865" : source_of(width)};
  }

  PassReport calibration() const {
    constexpr std::string_view kSource = "after Lin et al. 2023, arXiv:2306.00978";
    const Storage& storage = options_.storage;
    if (!has_scales(storage.weights) && !has_scales(storage.head))
      return {.name = "calibration", .on = false, .changed = "bf16 has no scales to choose"};
    if (!storage.calibration)
      return {.name = "calibration",
              .on = false,
              .changed = "no text was given: scales span the numbers that they are for",
              .source = kSource};
    const Matrices chosen = matrices([&](const TensorSpec& spec) {
      return has_scales(width_of(spec, config_.tied_head, storage));
    });
    const auto in_layers = std::count_if(chosen.layers.begin(), chosen.layers.end(),
                                         [](int32_t layer) { return layer >= 0; });
    return {
        .name = "calibration",
        .changed = fmt::format("scales of {} by their inputs in {} tokens: squared error of "
                               "products {:.3g} -> {:.3g} %",
                               counted(chosen.count, "matrix", "matrices"),
                               storage.calibration->tokens, 100 * gain_.before, 100 * gain_.after),
        .layers = in_layers,
        .source = kSource};
  }

  const DecoderConfig& config_;
  const Layout& layout_;
  const LevelOptions& options_;
  const CalibrationGain gain_;
  const PlanWeights weights_;
  const Program program_;
};

}  // namespace

std::vector<PassReport> report_passes(const DecoderConfig& config, const Layout& layout,
                                      const LevelOptions& options, const CalibrationGain& gain) {
  if (options.level < 2) return {};
  return Reporter(config, layout, options, gain).all();
}

}  // namespace crescent::compiled
