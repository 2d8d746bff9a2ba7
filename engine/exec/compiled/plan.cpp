#include "engine/exec/compiled/plan.h"

#include <utility>

#include "engine/exec/compiled/arena.h"

namespace crescent::compiled {
namespace {

constexpr int32_t kNoLayer = -1;

/// Writes down the steps of one program.
class Builder {
 public:
  Builder(const DecoderConfig& config, const PlanWeights& weights, const ProgramOptions& options)
      : config_(config), weights_(weights), taps_(options.taps), passes_(options.passes) {}

  Program build() {
    x_ = buffer(config_.d_model);
    for (size_t layer = 0; layer < config_.layers.size(); ++layer) {
      const LayerSpec& spec = config_.layers[layer];
      if (spec.has_attention && spec.heads() > 0) last_attending_ = static_cast<int32_t>(layer);
    }
    embed();
    for (int32_t layer = 0; layer < static_cast<int32_t>(config_.layers.size()); ++layer) {
      begin(Site::block, layer);
      if (config_.layers[static_cast<size_t>(layer)].has_attention) attention(layer);
      if (config_.layers[static_cast<size_t>(layer)].has_ffn) feed_forward(layer);
      show(Site::block, layer, x_, config_.d_model);
      end(Site::block, layer);
    }
    head();
    place_buffers();
    return std::move(program_);
  }

 private:
  Buffer buffer(int64_t width) {
    program_.widths.push_back(width);
    program_.is_norm.push_back(false);
    return static_cast<Buffer>(program_.widths.size()) - 1;
  }
  void add(Step step) { program_.steps.push_back(std::move(step)); }
  bool shows(Site site) const { return taps_.tensors.has(site); }
  /// Is what a product at this site gives on its way out a part of the product?
  bool fuses(Site site) const { return passes_.fuse_epilogue && !shows(site); }
  void begin(Site site, int32_t layer) {
    if (taps_.spans.has(site)) add(BeginStep{site, layer});
  }
  void end(Site site, int32_t layer) {
    if (taps_.spans.has(site)) add(EndStep{site, layer});
  }
  void show(Site site, int32_t layer, Buffer from, int64_t width) {
    if (shows(site)) add(ShowStep{site, layer, from, width});
  }
  /// A step that can be told apart from its neighbours.
  void add_at(Site site, int32_t layer, Step step) {
    begin(site, layer);
    add(std::move(step));
    end(site, layer);
  }

  void embed() {
    if (config_.positions == PositionKind::rotary) {
      for (size_t layer = 0; layer < config_.layers.size(); ++layer) {
        const LayerSpec& spec = config_.layers[layer];
        if (!spec.has_attention || spec.heads() == 0) continue;
        if (angles_of(spec.head_dim) != kNone) continue;
        angles_.emplace_back(spec.head_dim, buffer(spec.head_dim));
        add(AnglesStep{angles_.back().second, spec.head_dim, weights_.layers[layer].frequencies});
      }
    }
    add_at(Site::embedding, kNoLayer, EmbedStep{x_});
    show(Site::embedding, kNoLayer, x_, config_.d_model);
  }

  Buffer angles_of(int64_t head_dim) const {
    for (const auto& [of, buffer] : angles_) {
      if (of == head_dim) return buffer;
    }
    return kNone;
  }

  Buffer norm(Site site, int32_t layer, const NormWeights& weights) {
    const Buffer out = buffer(config_.d_model);
    program_.is_norm.back() = true;
    add_at(site, layer, NormStep{x_, out, weights, site == Site::final_norm});
    show(site, layer, out, config_.d_model);
    return out;
  }

  Buffer product(Buffer in, std::vector<Matrix> parts, bool activate = false) {
    int64_t width = 0;
    for (const Matrix& part : parts) width += part.out;
    const Buffer out = buffer(width);
    add(ProductStep{in, out, std::move(parts), width, /*add=*/false, activate});
    return out;
  }

  struct Into {
    Site site, sum;  ///< of the product and of its way into the residual stream
    int32_t layer;
  };
  /// x += W in + bias, in one step unless what is added has to be seen.
  void product_into_residual(Buffer in, const Matrix& matrix, const Into& into) {
    if (fuses(into.site)) {
      add_at(into.site, into.layer, ProductStep{in, x_, {matrix}, matrix.out, /*add=*/true});
      return;
    }
    begin(into.site, into.layer);
    const Buffer added = product(in, {matrix});
    end(into.site, into.layer);
    show(into.site, into.layer, added, matrix.out);
    add_at(into.sum, into.layer, AddStep{added, x_, matrix.out});
  }

  void attention(int32_t layer) {
    const LayerSpec& spec = config_.layers[static_cast<size_t>(layer)];
    const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
    const int64_t width = spec.heads() * spec.head_dim;
    const Buffer normed = norm(Site::attention_norm, layer, weights.attention_norm);
    // All heads may be gone; what is left of the attention is the output's bias.
    const bool any = spec.heads() > 0;
    begin(Site::qkv, layer);
    const Buffer qkv = any ? product(normed, weights.qkv) : kNone;
    end(Site::qkv, layer);
    begin(Site::attention, layer);
    const Buffer heads = buffer(width);
    if (any) {
      add(AttendStep{qkv, heads, angles_of(spec.head_dim), layer, shows(Site::attention_softmax)});
    }
    end(Site::attention, layer);
    if (layer == last_attending_ && passes_.last_rows && !taps_.any()) {
      add(NarrowStep{{{x_, config_.d_model}, {heads, width}}});
    }
    if (shows(Site::attention_softmax)) add(ShowProbabilitiesStep{layer});
    show(Site::attention_value, layer, heads, width);
    product_into_residual(heads, weights.attention_output,
                          {Site::attention_output, Site::attention_residual, layer});
    show(Site::attention_residual, layer, x_, config_.d_model);
  }

  void feed_forward(int32_t layer) {
    const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
    const Buffer normed = norm(Site::ffn_norm, layer, weights.ffn_norm);
    const Buffer hidden =
        config_.gated_ffn ? gated(normed, layer, weights) : plain(normed, layer, weights);
    show(Site::ffn_activation, layer, hidden, weights.ffn_up.out);
    product_into_residual(hidden, weights.ffn_down, {Site::ffn_down, Site::ffn_residual, layer});
  }

  Buffer plain(Buffer normed, int32_t layer, const LayerWeights& weights) {
    const int64_t width = weights.ffn_up.out;
    begin(Site::ffn_up, layer);
    const Buffer up = product(normed, {weights.ffn_up}, /*activate=*/fuses(Site::ffn_up));
    end(Site::ffn_up, layer);
    if (fuses(Site::ffn_up)) return up;
    show(Site::ffn_up, layer, up, width);
    const Buffer hidden = buffer(width);
    add_at(Site::ffn_activation, layer, ActivateStep{up, hidden, width});
    return hidden;
  }

  Buffer gated(Buffer normed, int32_t layer, const LayerWeights& weights) {
    const int64_t width = weights.ffn_up.out;
    const Buffer hidden = buffer(width);
    if (fuses(Site::ffn_up) && fuses(Site::ffn_gate_product)) {
      add_at(Site::ffn_up, layer, GatedStep{normed, hidden, weights.ffn_gate, weights.ffn_up});
      return hidden;
    }
    begin(Site::ffn_up, layer);
    begin(Site::ffn_gate_product, layer);
    const Buffer gate = product(normed, {weights.ffn_gate});
    end(Site::ffn_gate_product, layer);
    begin(Site::ffn_up_product, layer);
    const Buffer up = product(normed, {weights.ffn_up});
    end(Site::ffn_up_product, layer);
    end(Site::ffn_up, layer);
    show(Site::ffn_gate_product, layer, gate, width);
    show(Site::ffn_up, layer, up, width);
    add_at(Site::ffn_activation, layer, GateStep{gate, up, hidden, width});
    return hidden;
  }

  void head() {
    const Buffer normed = norm(Site::final_norm, kNoLayer, weights_.final_norm);
    add_at(Site::head, kNoLayer, HeadStep{normed, weights_.head});
    if (shows(Site::head)) add(ShowLogitsStep{});
  }

  /// A buffer lives from the first step that names it to the last one; all the time, if none may
  /// lie where another was.
  void place_buffers() {
    std::vector<Lifetime> lifetimes;
    for (const int64_t width : program_.widths) lifetimes.push_back({width, -1, -1});
    for (size_t i = 0; i < program_.steps.size(); ++i) {
      for (const Buffer buffer : buffers_of(program_.steps[i])) {
        Lifetime& lifetime = lifetimes[static_cast<size_t>(buffer)];
        if (lifetime.first < 0) lifetime.first = static_cast<int32_t>(i);
        lifetime.last = static_cast<int32_t>(i);
      }
    }
    if (!passes_.share_arena) {
      for (Lifetime& lifetime : lifetimes) lifetime = {lifetime.width, 0, 0};
    }
    Placement placement = place(lifetimes);
    program_.offsets = std::move(placement.offsets);
    program_.arena_width = placement.width;
  }

  const DecoderConfig& config_;
  const PlanWeights& weights_;
  const Taps taps_;
  const Passes passes_;
  Program program_;
  int32_t last_attending_ = kNoLayer;
  Buffer x_ = kNone;                                // the residual stream
  std::vector<std::pair<int64_t, Buffer>> angles_;  // by head_dim
};

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

std::vector<Buffer> buffers_of(const Step& step) {
  using List = std::vector<Buffer>;
  return std::visit(
      Overloaded{[](const AnglesStep& s) { return List{s.out}; },
                 [](const EmbedStep& s) { return List{s.out}; },
                 [](const NormStep& s) {
                   return List{s.in, s.out};
                 },
                 [](const ProductStep& s) {
                   return List{s.in, s.out};
                 },
                 [](const GatedStep& s) {
                   return List{s.in, s.out};
                 },
                 [](const AttendStep& s) {
                   return s.angles == kNone ? List{s.qkv, s.out} : List{s.qkv, s.out, s.angles};
                 },
                 [](const NarrowStep& s) {
                   List buffers;
                   for (const NarrowStep::Kept& kept : s.kept) buffers.push_back(kept.buffer);
                   return buffers;
                 },
                 [](const HeadStep& s) { return List{s.in}; },
                 [](const ShowStep& s) { return List{s.buffer}; },
                 [](const ActivateStep& s) {
                   return List{s.in, s.out};
                 },
                 [](const GateStep& s) {
                   return List{s.gate, s.up, s.out};
                 },
                 [](const AddStep& s) {
                   return List{s.in, s.out};
                 },
                 [](const auto&) { return List{}; }},
      step);
}

Program make_program(const DecoderConfig& config, const PlanWeights& weights,
                     const ProgramOptions& options) {
  return Builder(config, weights, options).build();
}

Plan::Plan(DecoderConfig c, PlanWeights w, Passes p, Width cache)
    : config(std::move(c)),
      weights(std::move(w)),
      passes(p),
      kv(cache),
      program(make_program(config, weights, {.passes = passes})) {}

}  // namespace crescent::compiled
