// Criteria that run a text and look at what passes: ablation, activation, entropy, confidence,
// redundancy.
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <map>

#include "engine/prune/measure.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

/// What passed some sites, as copies: [site, layer].
class Seen final : public Observer {
 public:
  SiteSet wanted_tensors() const override {
    return SiteSet{}
        .add(Site::attention_norm)
        .add(Site::attention_value)
        .add(Site::ffn_norm)
        .add(Site::ffn_activation);
  }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    at_[{site, layer}] = as_tensor(view).clone().reshape({-1, view.shape.back()});
  }
  /// (N, columns)
  const at::Tensor& at(Site site, int32_t layer) const { return at_.at({site, layer}); }

 private:
  std::map<std::pair<Site, int32_t>, at::Tensor> at_;
};

/// All windows of the data in one forward pass at level 0, seen.
Seen seen(const Model& model, const ScoringData& data) {
  Seen seen;
  const auto rows = static_cast<int64_t>(data.ids.size()) / data.used.window;
  const at::Tensor ids = at::empty({rows, data.used.window}, at::kLong);
  std::copy_n(data.ids.begin(), ids.numel(), ids.data_ptr<int64_t>());
  forward(*model.at_level(0), ids, {.observer = &seen});
  return seen;
}

TEST(Ablation, IsTheLossOfTheMaskedModelMinusTheLoss) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto model = random_model(config);
    const ScoringData data = some_data(*model, 24, 12);
    const auto loss = [&](const Model& of) {  // both windows predict as many tokens
      double sum = 0;
      for (const size_t first : {0u, 12u}) {
        const std::span ids(data.ids.data() + first, 12);
        sum += loss_and_gradients(of, ids_tensor(of, ids)).loss / 2;
      }
      return sum;
    };
    const double before = loss(*model);
    for (const Unit& unit : {head(1, 1), group(0, 1), neuron(2, 3), layer(1)}) {
      const Scores scores = ablation_criterion().score(*model, unit.kind, {.data = &data});
      EXPECT_NEAR(scores.of[static_cast<size_t>(unit.layer)][static_cast<size_t>(unit.index)],
                  loss(*masked(*model, {unit})) - before, 1e-5)
          << singular_of(unit.kind);
    }
  }
}

TEST(Ablation, ScoresTheOnlyLayerToo) {
  const auto model = without(*random_model(small_gpt2()), {layer(0), layer(1)});
  const ScoringData data = some_data(*model, 12, 12);
  const Scores scores = ablation_criterion().score(*model, UnitKind::layers, {.data = &data});
  ASSERT_EQ(scores.of.size(), 1u);
  EXPECT_NE(scores.of[0][0], 0);
}

TEST(Activation, IsTheSumOfWeightsTimesTheNormOfTheirInputs) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto model = random_model(config);
    const ScoringData data = some_data(*model, 24, 12);
    const Seen inputs = seen(*model, data);
    const bool is_gpt2 = config.family == "gpt2";
    const std::string name =
        is_gpt2 ? "h.1.attn.c_proj.weight" : "layers.1.self_attn.o_proj.weight";
    const at::Tensor W = is_gpt2 ? model->weight(name) : model->weight(name).t();  // [in, out]
    const at::Tensor x = inputs.at(Site::attention_value, 1);
    const Scores heads = activation_criterion().score(*model, UnitKind::heads, {.data = &data});
    for (size_t h = 0; h < heads.of[1].size(); ++h) {
      double expected = 0;
      for (int64_t j = 4 * static_cast<int64_t>(h); j < 4 * static_cast<int64_t>(h) + 4; ++j) {
        double squares = 0;
        for (int64_t n = 0; n < x.size(0); ++n) squares += std::pow(x[n][j].item<double>(), 2);
        for (int64_t i = 0; i < W.size(1); ++i) {
          expected += std::abs(W[j][i].item<double>()) * std::sqrt(squares);
        }
      }
      EXPECT_NEAR(heads.of[1][h], expected, 1e-4 * expected);
    }
    const std::vector<at::Tensor> weights =
        activation_criterion().score_weights(*model, {.data = &data});
    const std::vector<size_t> matrices = layer_matrices(model->layout());
    ASSERT_EQ(weights.size(), matrices.size());
    const std::map<Slot, Site> input_of{{Slot::qkv_weight, Site::attention_norm},
                                        {Slot::q_weight, Site::attention_norm},
                                        {Slot::k_weight, Site::attention_norm},
                                        {Slot::v_weight, Site::attention_norm},
                                        {Slot::attention_output_weight, Site::attention_value},
                                        {Slot::ffn_gate_weight, Site::ffn_norm},
                                        {Slot::ffn_up_weight, Site::ffn_norm},
                                        {Slot::ffn_down_weight, Site::ffn_activation}};
    for (size_t i = 0; i < matrices.size(); ++i) {
      const TensorSpec& spec = model->layout()[matrices[i]];
      const at::Tensor norms = inputs.at(input_of.at(spec.slot), spec.layer).pow(2).sum(0).sqrt();
      const at::Tensor expected =
          model->stored().at(spec).abs() * (is_gpt2 ? norms.unsqueeze(1) : norms.unsqueeze(0));
      EXPECT_LE(max_abs_difference(weights[i], expected), 1e-4 * expected.max().item<double>())
          << spec.name;
    }
  }
}

/// Without queries every score is 0, so that a row's attention is the same for all it may see.
std::shared_ptr<const Model> uniform_where(const Model& model, int32_t layer) {
  return with_weights(model, [layer](const TensorSpec& spec, const at::Tensor& stored) {
    return spec.layer == layer && spec.slot == Slot::q_weight ? at::zeros_like(stored)
                                                              : at::Tensor();
  });
}

TEST(EntropyAndConfidence, OfUniformAttentionFollowFromTheRowsLengths) {
  const auto model = uniform_where(*random_model(small_llama()), 1);
  const ScoringData data = some_data(*model, 21, 8);  // windows of 8, 8 and 5 tokens
  double entropy = 0, confidence = 0, rows = 0;
  for (const int tokens : {8, 8, 5}) {
    for (int seen = 2; seen <= tokens; ++seen) {  // the first row sees one token and doesn't count
      entropy += std::log(seen);
      confidence += 1.0 / seen;
      ++rows;
    }
  }
  const Scores focused = entropy_criterion().score(*model, UnitKind::heads, {.data = &data});
  const Scores sure = confidence_criterion().score(*model, UnitKind::heads, {.data = &data});
  for (size_t h = 0; h < 4; ++h) {
    EXPECT_NEAR(focused.of[1][h], -entropy / rows, 1e-5);
    EXPECT_NEAR(sure.of[1][h], confidence / rows, 1e-5);
    EXPECT_GT(focused.of[0][h], focused.of[1][h]) << "nothing is less focused";
    EXPECT_GT(sure.of[0][h], sure.of[1][h]);
  }
}

TEST(EntropyAndConfidence, AreTheMeansOverTheRowsOfTheAttention) {
  const auto model = without(*random_model(small_llama()), {head(0, 1), head(2, 0)});
  const ScoringData data = some_data(*model, 12, 12);
  const Captured captured =
      forward_captured(*model->at_level(0), ids_tensor(*model, data.ids), {.attention = true});
  const Scores entropy = entropy_criterion().score(*model, UnitKind::heads, {.data = &data});
  const Scores confidence = confidence_criterion().score(*model, UnitKind::heads, {.data = &data});
  for (size_t layer = 0; layer < 3; ++layer) {
    const at::Tensor p = captured.attention[layer].to(at::kDouble);  // (1, H, T, T)
    ASSERT_EQ(entropy.of[layer].size(), static_cast<size_t>(p.size(1)));
    for (int64_t h = 0; h < p.size(1); ++h) {
      double sum = 0, largest = 0;
      for (int64_t t = 1; t < 12; ++t) {
        double of_row = 0;
        for (int64_t s = 0; s <= t; ++s) {
          const double x = p[0][h][t][s].item<double>();
          if (x > 0) sum += x * std::log(x);
          of_row = std::max(of_row, x);
        }
        largest += of_row;
      }
      EXPECT_NEAR(entropy.of[layer][static_cast<size_t>(h)], sum / 11, 1e-5);
      EXPECT_NEAR(confidence.of[layer][static_cast<size_t>(h)], largest / 11, 1e-5);
    }
  }
}

/// Copies rows (or columns) `from` .. over `to` .. along `dim`.
void copy_part(const at::Tensor& tensor, int64_t dim, int64_t from, int64_t to, int64_t count,
               double factor = 1) {
  tensor.narrow(dim, to, count).copy_(tensor.narrow(dim, from, count).clone() * factor);
}

/// small_llama whose head 1 of layer 2 adds to the stream what head 0 adds, times `factor`.
std::shared_ptr<const Model> with_a_twin(const Model& model, double factor) {
  return with_weights(model, [factor](const TensorSpec& spec, const at::Tensor& stored) {
    if (spec.layer != 1) return at::Tensor();
    const at::Tensor changed = stored.clone();
    if (spec.slot == Slot::q_weight) {
      copy_part(changed, 0, 0, 4, 4);
    } else if (spec.slot == Slot::attention_output_weight) {
      copy_part(changed, 1, 0, 4, 4, factor);
    } else {
      return at::Tensor();
    }
    return changed;
  });
}

TEST(Redundancy, IsZeroForTheWeakerOfTwoEqualHeadsOnly) {
  const auto model = random_model(small_llama());
  const ScoringData data = some_data(*model, 24, 12);
  const auto scores = [&](double factor) {
    return redundancy_criterion()
        .score(*with_a_twin(*model, factor), UnitKind::heads, {.data = &data})
        .of[1];
  };
  const std::vector<double> alike = scores(1), weaker = scores(0.5), opposed = scores(-2);
  EXPECT_NEAR(std::min(alike[0], alike[1]), 0, 1e-5);
  EXPECT_GT(std::max(alike[0], alike[1]), 0.01);
  EXPECT_NEAR(weaker[1], 0, 1e-5);
  EXPECT_GT(weaker[0], 0.01);
  EXPECT_NEAR(opposed[0], 0, 1e-5) << "the opposite is as redundant";
  EXPECT_GT(opposed[1], 0.01);
}

TEST(Redundancy, IsZeroForTheWeakerOfTwoEqualNeuronsOnly) {
  const auto model = with_weights(*random_model(small_gpt2()),
                                  [](const TensorSpec& spec, const at::Tensor& stored) {
                                    if (spec.layer != 0) return at::Tensor();
                                    const at::Tensor changed = stored.clone();
                                    if (spec.slot == Slot::ffn_up_weight) {
                                      copy_part(changed, 1, 2, 9, 1);
                                    } else if (spec.slot == Slot::ffn_up_bias) {
                                      copy_part(changed, 0, 2, 9, 1);
                                    } else if (spec.slot == Slot::ffn_down_weight) {
                                      copy_part(changed, 0, 2, 9, 1, 0.5);
                                    } else {
                                      return at::Tensor();
                                    }
                                    return changed;
                                  });
  const ScoringData data = some_data(*model, 24, 12);
  const Scores scores = redundancy_criterion().score(*model, UnitKind::neurons, {.data = &data});
  EXPECT_NEAR(scores.of[0][9], 0, 1e-5);
  EXPECT_GT(scores.of[0][2], 0.001);
}

TEST(Redundancy, IsOneMinusTheLargestCosineWithAStrongerHead) {
  const auto model = random_model(small_llama());
  const ScoringData data = some_data(*model, 24, 12);
  const at::Tensor x = seen(*model, data).at(Site::attention_value, 2).to(at::kDouble);
  const at::Tensor W = model->weight("layers.2.self_attn.o_proj.weight").t().to(at::kDouble);
  std::vector<at::Tensor> adds;  // what each head adds to the stream, flat
  for (int64_t h = 0; h < 4; ++h) {
    adds.push_back(at::matmul(x.narrow(1, 4 * h, 4), W.narrow(0, 4 * h, 4)).flatten());
  }
  const Scores scores = redundancy_criterion().score(*model, UnitKind::heads, {.data = &data});
  for (size_t a = 0; a < 4; ++a) {
    double expected = 1;
    for (size_t b = 0; b < 4; ++b) {
      const double na = adds[a].norm().item<double>(), nb = adds[b].norm().item<double>();
      if (nb <= na) continue;
      const double cosine = std::abs((adds[a] * adds[b]).sum().item<double>()) / (na * nb);
      expected = std::min(expected, 1 - cosine);
    }
    EXPECT_NEAR(scores.of[2][a], expected, 1e-5);
  }
}

TEST(Redundancy, OfALayerIsOneMinusTheCosineOfWhatEntersAndWhatLeaves) {
  const auto whole = random_model(small_gpt2());
  const auto model = masked(*whole, {layer(1)});
  const ScoringData data = some_data(*model, 12, 12);
  const Scores scores = redundancy_criterion().score(*model, UnitKind::layers, {.data = &data});
  const Captured captured =
      forward_captured(*model, ids_tensor(*model, data.ids), {.hidden = true});
  for (size_t i = 0; i < 3; ++i) {
    const at::Tensor in = captured.hidden[i][0].to(at::kDouble),
                     out = captured.hidden[i + 1][0].to(at::kDouble);
    const at::Tensor cosines =
        (in * out).sum(1) / (in.pow(2).sum(1).sqrt() * out.pow(2).sum(1).sqrt());
    EXPECT_NEAR(scores.of[i][0], 1 - cosines.mean().item<double>(), 1e-5);
  }
  EXPECT_NEAR(scores.of[1][0], 0, 1e-6) << "a block that adds nothing";
}

}  // namespace
}  // namespace crescent::test
