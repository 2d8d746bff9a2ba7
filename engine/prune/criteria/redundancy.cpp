// Redundancy: what others say too is not missed. For heads and neurons: 1 minus the largest
// |cosine| between what the unit adds to the residual stream and what a stronger unit of its layer
// adds, so that of two equal ones one survives. For layers: 1 minus the mean cosine between what
// enters and what leaves the block, the block influence of Men et al. 2024 (ShortGPT),
// arXiv:2403.03853.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/matmul.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "engine/memory.h"
#include "engine/prune/criterion.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

/// One layer's output matrix as [in, out].
at::Tensor output_matrix(const Model& model, Slot slot, size_t layer) {
  const Linear linear = model.wide().linear(slot, slot, layer);
  return linear.in_out ? linear.weight : linear.weight.t();
}

/// Inner products of what the units of a layer add to the residual stream, summed over tokens.
class Products final : public Observer {
 public:
  Products(const Model& model, UnitKind kind)
      : model_(model), kind_(kind), sums_(model.config().layers.size()) {}

  SiteSet wanted_tensors() const override {
    return SiteSet{}.add(kind_ == UnitKind::heads ? Site::attention_value : Site::ffn_activation);
  }
  void tensor(Site, int32_t index, const TensorView& view) override {
    const c10::NoGradGuard no_grad;
    const auto layer = static_cast<size_t>(index);
    if (view.shape.back() == 0) return;
    const at::Tensor x = as_tensor(view).reshape({-1, view.shape.back()});  // (N, units * D)
    const at::Tensor products =
        kind_ == UnitKind::heads ? of_heads(layer, x) : of_neurons(layer, x);
    sums_[layer] = sums_[layer].defined() ? sums_[layer] + products : products;
  }
  /// (units, units), or undefined for a layer without any.
  const at::Tensor& of_layer(size_t layer) const { return sums_[layer]; }

 private:
  /// Head h adds x_h W_h, so <h, g> = sum over tokens of x_h (W_h W_g^T) x_g^T.
  at::Tensor of_heads(size_t layer, const at::Tensor& x) const {
    const LayerSpec& spec = model_.config().layers[layer];
    const int64_t H = spec.heads(), D = spec.head_dim;
    const at::Tensor W = output_matrix(model_, Slot::attention_output_weight, layer);
    const at::Tensor within = at::matmul(x.t(), x) * at::matmul(W, W.t());  // (H*D, H*D)
    return within.view({H, D, H, D}).sum({1, 3}, false, at::kDouble);
  }
  /// Neuron i adds a_i w_i, so <i, j> = (sum over tokens of a_i a_j) (w_i w_j^T).
  at::Tensor of_neurons(size_t layer, const at::Tensor& a) const {
    const at::Tensor W = output_matrix(model_, Slot::ffn_down_weight, layer);
    return at::matmul(a.t(), a) * at::matmul(W, W.t());
  }

  const Model& model_;
  UnitKind kind_;
  std::vector<at::Tensor> sums_;
};

/// Of the sums that Products keeps.
int64_t bytes_of_products(const DecoderConfig& config, UnitKind kind) {
  int64_t bytes = 0;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    const int64_t units = units_in(config, kind, i);
    bytes += units * units * int64_t{sizeof(float)};
  }
  return bytes;
}

/// 1 - the largest |cosine| with a unit that is stronger (or as strong, and stands before it).
std::vector<double> against_stronger(const at::Tensor& products) {
  const at::Tensor sums = products.to(at::kDouble).contiguous();
  const auto units = static_cast<size_t>(sums.size(0));
  const double* p = sums.data_ptr<double>();
  const auto square = [&](size_t i) { return std::max(0.0, p[i * units + i]); };
  std::vector<double> scores(units, 1.0);
  for (size_t i = 0; i < units; ++i) {
    for (size_t j = 0; j < units; ++j) {
      const bool is_stronger = square(j) > square(i) || (square(j) == square(i) && j < i);
      if (i == j || !is_stronger) continue;
      const double length = std::sqrt(square(i) * square(j));
      // A unit that adds nothing at all is the most redundant one.
      const double cosine = length > 0 ? std::abs(p[i * units + j]) / length : 1.0;
      scores[i] = std::min(scores[i], 1.0 - cosine);
    }
  }
  return scores;
}

/// 1 - the mean over tokens of the cosine between what enters and what leaves each block.
class BlockInfluence final : public Observer {
 public:
  explicit BlockInfluence(size_t layers) : sums_(layers, 0), counts_(layers, 0) {}
  SiteSet wanted_tensors() const override {
    return SiteSet{}.add(Site::embedding).add(Site::block);
  }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    const c10::NoGradGuard no_grad;
    const at::Tensor x = as_tensor(view).clone();  // the stream is added to where it lies
    if (site == Site::block) {
      const at::Tensor cosines = at::cosine_similarity(entered_, x, -1);
      sums_[static_cast<size_t>(layer)] += cosines.sum(at::kDouble).item<double>();
      counts_[static_cast<size_t>(layer)] += cosines.numel();
    }
    entered_ = x;
  }
  std::vector<double> scores() const {
    std::vector<double> scores;
    for (size_t i = 0; i < sums_.size(); ++i) {
      scores.push_back(1.0 - sums_[i] / static_cast<double>(counts_[i]));
    }
    return scores;
  }

 private:
  at::Tensor entered_;
  std::vector<double> sums_;
  std::vector<int64_t> counts_;
};

class Redundancy final : public Criterion {
 public:
  std::string_view name() const override { return "redundancy"; }
  std::string_view doc() const override {
    return "1 minus the likeness of what a unit adds to what a stronger one of its layer adds; for "
           "layers, to what entered: the block influence of Men et al. 2024, arXiv:2403.03853.";
  }
  bool needs_data() const override { return true; }
  bool can_score(UnitKind kind) const override {
    return kind == UnitKind::heads || kind == UnitKind::neurons || kind == UnitKind::layers;
  }

  Scores score(const Model& given, UnitKind kind, const ScoreOptions& options) const override {
    const auto model = in_float(given);
    Scores scores{.kind = kind, .of = {}};
    if (kind == UnitKind::layers) {
      BlockInfluence influence(model->config().layers.size());
      observe_data(*model, *options.data, influence, options);
      for (const double score : influence.scores()) scores.of.push_back({score});
      return scores;
    }
    require_memory(bytes_of_products(model->config(), kind), "comparing all units of each layer");
    Products products(*model, kind);
    observe_data(*model, *options.data, products, options);
    for (size_t i = 0; i < model->config().layers.size(); ++i) {
      const at::Tensor& of_layer = products.of_layer(i);
      scores.of.push_back(of_layer.defined() ? against_stronger(of_layer) : std::vector<double>());
    }
    return scores;
  }
};

}  // namespace

const Criterion& redundancy_criterion() {
  static const Redundancy criterion;
  return criterion;
}

}  // namespace crescent
