// Criteria that look at weights and gradients: magnitude, taylor, gradient, random.
#include <cmath>

#include "engine/eval/windows.h"
#include "engine/prune/measure.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

using ByName = std::function<at::Tensor(const std::string& name)>;

ByName weights_of(const Model& model) {
  return [&model](const std::string& name) { return model.weight(name); };
}

/// All numbers that a head of small_gpt2 holds: query, key, value, their biases, output rows.
std::vector<at::Tensor> parts_of_gpt2_head(const ByName& tensor, int layer, int64_t h) {
  const std::string name = fmt::format("h.{}.attn.", layer);
  std::vector<at::Tensor> parts;
  for (int64_t third = 0; third < 3; ++third) {
    parts.push_back(tensor(name + "c_attn.weight").narrow(1, 8 * third + 4 * h, 4));
    parts.push_back(tensor(name + "c_attn.bias").narrow(0, 8 * third + 4 * h, 4));
  }
  parts.push_back(tensor(name + "c_proj.weight").narrow(0, 4 * h, 4));
  return parts;
}

std::vector<at::Tensor> parts_of_llama_query(const ByName& tensor, int layer, int64_t h) {
  const std::string name = fmt::format("layers.{}.self_attn.", layer);
  return {tensor(name + "q_proj.weight").narrow(0, 4 * h, 4),
          tensor(name + "o_proj.weight").narrow(1, 4 * h, 4)};
}
std::vector<at::Tensor> parts_of_llama_kv(const ByName& tensor, int layer, int64_t kv) {
  const std::string name = fmt::format("layers.{}.self_attn.", layer);
  return {tensor(name + "k_proj.weight").narrow(0, 4 * kv, 4),
          tensor(name + "v_proj.weight").narrow(0, 4 * kv, 4)};
}

double sum_of_squares(const std::vector<at::Tensor>& parts) {
  double sum = 0;
  for (const at::Tensor& part : parts) {
    const at::Tensor x = part.to(at::kDouble).contiguous();
    for (int64_t i = 0; i < x.numel(); ++i)
      sum += x.data_ptr<double>()[i] * x.data_ptr<double>()[i];
  }
  return sum;
}
double sum_of(const std::vector<at::Tensor>& parts) {
  double sum = 0;
  for (const at::Tensor& part : parts) sum += part.sum(at::kDouble).item<double>();
  return sum;
}

TEST(Magnitude, IsTheNormOfAHeadsQueryKeyValueAndOutputWithBiases) {
  const auto model = random_model(small_gpt2());
  const Scores scores = magnitude_criterion().score(*model, UnitKind::heads, {});
  ASSERT_EQ(scores.of.size(), 3u);
  for (int layer = 0; layer < 3; ++layer) {
    for (int64_t h = 0; h < 2; ++h) {
      const double sum = sum_of_squares(parts_of_gpt2_head(weights_of(*model), layer, h));
      EXPECT_NEAR(scores.of[static_cast<size_t>(layer)][static_cast<size_t>(h)], std::sqrt(sum),
                  1e-5);
    }
  }
}

TEST(Magnitude, CountsASharedKeyValueHeadForEveryReaderAndOnceForTheGroup) {
  // Layer 1 without its second head: 3 query heads on 2 key/value heads.
  const auto model = without(*random_model(small_llama()), {head(0, 1)});
  const ByName tensor = weights_of(*model);
  const Scores heads = magnitude_criterion().score(*model, UnitKind::heads, {});
  const Scores groups = magnitude_criterion().score(*model, UnitKind::groups, {});
  ASSERT_EQ(heads.of[0].size(), 3u);
  const std::vector<int64_t> kv_of_head{0, 1, 1};
  std::vector<double> query, kv;
  for (int64_t h = 0; h < 3; ++h)
    query.push_back(sum_of_squares(parts_of_llama_query(tensor, 0, h)));
  for (int64_t k = 0; k < 2; ++k) kv.push_back(sum_of_squares(parts_of_llama_kv(tensor, 0, k)));
  for (size_t h = 0; h < 3; ++h) {
    EXPECT_NEAR(heads.of[0][h], std::sqrt(query[h] + kv[static_cast<size_t>(kv_of_head[h])]), 1e-5);
  }
  EXPECT_NEAR(groups.of[0][0], std::sqrt(query[0] + kv[0]), 1e-5);
  EXPECT_NEAR(groups.of[0][1], std::sqrt(query[1] + query[2] + kv[1]), 1e-5);
}

TEST(Magnitude, IsTheNormOfANeuronsRowsAndColumnAndOfAWholeLayer) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto model = random_model(config);
    const bool is_gpt2 = config.family == "gpt2";
    const Scores neurons = magnitude_criterion().score(*model, UnitKind::neurons, {});
    for (int64_t i = 0; i < 12; ++i) {
      const std::vector<at::Tensor> parts =
          is_gpt2 ? std::vector<at::Tensor>{model->weight("h.2.mlp.c_fc.weight").select(1, i),
                                            model->weight("h.2.mlp.c_fc.bias").narrow(0, i, 1),
                                            model->weight("h.2.mlp.c_proj.weight").select(0, i)}
                  : std::vector<at::Tensor>{
                        model->weight("layers.2.mlp.gate_proj.weight").select(0, i),
                        model->weight("layers.2.mlp.up_proj.weight").select(0, i),
                        model->weight("layers.2.mlp.down_proj.weight").select(1, i)};
      EXPECT_NEAR(neurons.of[2][static_cast<size_t>(i)], std::sqrt(sum_of_squares(parts)), 1e-5);
    }
    std::vector<at::Tensor> layer;
    for (const TensorSpec& spec : model->layout()) {
      if (spec.layer == 1) layer.push_back(model->stored().at(spec));
    }
    const Scores layers = magnitude_criterion().score(*model, UnitKind::layers, {});
    EXPECT_NEAR(layers.of[1][0], std::sqrt(sum_of_squares(layer)), 1e-4);
    const std::vector<at::Tensor> weights = magnitude_criterion().score_weights(*model, {});
    const std::vector<size_t> matrices = layer_matrices(model->layout());
    ASSERT_EQ(weights.size(), matrices.size());
    EXPECT_EQ(matrices.size(), is_gpt2 ? 12u : 21u);
    EXPECT_TRUE(same_bits(weights[0], model->stored().at(model->layout()[matrices[0]]).abs()));
  }
}

// Criteria on data --------------------------------------------------------------------------------

std::vector<at::Tensor> windows(const ScoringData& data) {
  std::vector<at::Tensor> all;
  for (const Window& window : windows_over(data.used.tokens, data.used.window, data.used.window)) {
    all.push_back(window_ids(data.ids, {&window, 1}));
  }
  return all;
}

/// The mean over windows of |d loss / d factor| where the factor multiplies what `slice` cuts out.
double derivative_by_factor(
    const Model& model, const ScoringData& data,
    const std::function<at::Tensor(const TensorSpec&, const at::Tensor&)>& slice) {
  constexpr double kStep = 0.02;
  const auto with_factor = [&](double factor) {
    return with_weights(model, [&](const TensorSpec& spec, const at::Tensor& stored) {
      const at::Tensor changed = stored.clone();
      const at::Tensor part = slice(spec, changed);
      if (!part.defined()) return at::Tensor();
      part.mul_(factor);
      return changed;
    });
  };
  const auto up = with_factor(1 + kStep), down = with_factor(1 - kStep);
  double sum = 0;
  const std::vector<at::Tensor> all = windows(data);
  for (const at::Tensor& ids : all) {
    const double slope =
        (loss_and_gradients(*up, ids).loss - loss_and_gradients(*down, ids).loss) / (2 * kStep);
    sum += std::abs(slope);
  }
  return sum / static_cast<double>(all.size());
}

void expect_within_a_percent(double score, double expected) {
  EXPECT_NEAR(score, expected, 0.01 * expected + 3e-5);
}

TEST(Taylor, IsTheDerivativeOfTheLossByAFactorOnTheUnitsOutput) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto model = random_model(config);
    const ScoringData data = some_data(*model, 30, 15);
    const auto score = [&](UnitKind kind) {
      return taylor_criterion().score(*model, kind, {.data = &data});
    };
    const bool is_gpt2 = config.family == "gpt2";
    const int64_t in = is_gpt2 ? 0 : 1;
    const auto of_slot = [in](int32_t layer, Slot slot, int64_t first, int64_t count) {
      return [=](const TensorSpec& spec, const at::Tensor& tensor) {
        return spec.layer == layer && spec.slot == slot ? tensor.narrow(in, first, count)
                                                        : at::Tensor();
      };
    };
    const Scores heads = score(UnitKind::heads), neurons = score(UnitKind::neurons),
                 layers = score(UnitKind::layers);
    double largest = 0;
    for (int32_t layer = 0; layer < 3; ++layer) {
      const auto at = static_cast<size_t>(layer);
      for (size_t h = 0; h < heads.of[at].size(); ++h) {
        expect_within_a_percent(heads.of[at][h],
                                derivative_by_factor(*model, data,
                                                     of_slot(layer, Slot::attention_output_weight,
                                                             4 * static_cast<int64_t>(h), 4)));
        largest = std::max(largest, heads.of[at][h]);
      }
      for (const size_t i : {0u, 7u}) {
        expect_within_a_percent(
            neurons.of[at][i],
            derivative_by_factor(
                *model, data, of_slot(layer, Slot::ffn_down_weight, static_cast<int64_t>(i), 1)));
      }
      expect_within_a_percent(
          layers.of[at][0],
          derivative_by_factor(*model, data, [layer](const TensorSpec& spec, const at::Tensor& t) {
            const bool carries = spec.slot == Slot::attention_output_weight ||
                                 spec.slot == Slot::attention_output_bias ||
                                 spec.slot == Slot::ffn_down_weight ||
                                 spec.slot == Slot::ffn_down_bias;
            return spec.layer == layer && carries ? t : at::Tensor();
          }));
    }
    EXPECT_GT(largest, 0.01) << "the bound above would hide everything";
    if (!is_gpt2) {
      expect_within_a_percent(
          score(UnitKind::groups).of[1][1],
          derivative_by_factor(*model, data, of_slot(1, Slot::attention_output_weight, 8, 8)));
    }
  }
}

/// By name, the mean over windows of what `of_gradient` makes of weight and gradient.
std::map<std::string, at::Tensor> mean_over_windows(
    const Model& model, const ScoringData& data,
    const std::function<at::Tensor(const at::Tensor& weight, const at::Tensor& gradient)>& of) {
  std::map<std::string, at::Tensor> means;
  const std::vector<at::Tensor> all = windows(data);
  for (const at::Tensor& ids : all) {
    const LossAndGradients pass = loss_and_gradients(model, ids);
    for (size_t i = 0; i < model.layout().size(); ++i) {
      const TensorSpec& spec = model.layout()[i];
      const at::Tensor value = of(model.wide().at(spec), pass.gradients[i]).to(at::kDouble) /
                               static_cast<double>(all.size());
      at::Tensor& mean = means[spec.name];
      mean = mean.defined() ? mean + value : value;
    }
  }
  return means;
}

TEST(Gradient, IsTheRootOfTheMeanSquaredDerivativesOfAllThatAUnitHolds) {
  const auto gpt2 = random_model(small_gpt2()), llama = random_model(small_llama());
  const ScoringData data = some_data(*gpt2, 30, 15);
  const auto square = [](const at::Tensor&, const at::Tensor& g) { return g * g; };
  {
    auto squares = mean_over_windows(*gpt2, data, square);
    const ByName tensor = [&](const std::string& name) { return squares.at(name); };
    const Scores heads = gradient_criterion().score(*gpt2, UnitKind::heads, {.data = &data});
    const double expected = std::sqrt(sum_of(parts_of_gpt2_head(tensor, 2, 1)));
    EXPECT_NEAR(heads.of[2][1], expected, 1e-4 * expected);
    const Scores neurons = gradient_criterion().score(*gpt2, UnitKind::neurons, {.data = &data});
    const double neuron = std::sqrt(sum_of({squares.at("h.0.mlp.c_fc.weight").select(1, 3),
                                            squares.at("h.0.mlp.c_fc.bias").narrow(0, 3, 1),
                                            squares.at("h.0.mlp.c_proj.weight").select(0, 3)}));
    EXPECT_NEAR(neurons.of[0][3], neuron, 1e-4 * neuron);
  }
  auto squares = mean_over_windows(*llama, data, square);
  const ByName tensor = [&](const std::string& name) { return squares.at(name); };
  const Scores heads = gradient_criterion().score(*llama, UnitKind::heads, {.data = &data});
  const double head = std::sqrt(sum_of(parts_of_llama_query(tensor, 1, 2)) +
                                sum_of(parts_of_llama_kv(tensor, 1, 1)));
  EXPECT_NEAR(heads.of[1][2], head, 1e-4 * head);
  const std::vector<at::Tensor> weights =
      gradient_criterion().score_weights(*llama, {.data = &data});
  const std::vector<size_t> matrices = layer_matrices(llama->layout());
  ASSERT_EQ(weights.size(), matrices.size());
  const at::Tensor& theirs = squares.at(llama->layout()[matrices[4]].name);
  EXPECT_LE(max_abs_difference(weights[4], theirs), 1e-5 * theirs.max().item<double>());
}

TEST(Taylor, OfSingleWeightsIsTheMeanOfWeightTimesDerivative) {
  const auto model = random_model(small_gpt2());
  const ScoringData data = some_data(*model, 30, 15);
  const auto expected = mean_over_windows(
      *model, data, [](const at::Tensor& w, const at::Tensor& g) { return (w * g).abs(); });
  const std::vector<at::Tensor> weights = taylor_criterion().score_weights(*model, {.data = &data});
  const std::vector<size_t> matrices = layer_matrices(model->layout());
  ASSERT_EQ(weights.size(), matrices.size());
  for (size_t i = 0; i < matrices.size(); ++i) {
    const at::Tensor& theirs = expected.at(model->layout()[matrices[i]].name);
    // The sum over windows ranks as their mean does: only shares are compared.
    EXPECT_LE(max_abs_difference(weights[i] / weights[i].sum(), theirs / theirs.sum()), 1e-5);
    EXPECT_GT(theirs.max().item<double>(), 0);
  }
}

TEST(RandomScores, AreTheSeedsAndNothingElses) {
  const auto model = random_model(small_llama());
  const auto with_seed = [&](uint64_t seed, UnitKind kind) {
    return random_criterion().score(*model, kind, {.seed = seed}).of;
  };
  EXPECT_EQ(with_seed(1, UnitKind::heads), with_seed(1, UnitKind::heads));
  EXPECT_NE(with_seed(1, UnitKind::heads), with_seed(2, UnitKind::heads));
  EXPECT_NE(with_seed(1, UnitKind::heads)[0], with_seed(1, UnitKind::heads)[1]);
  EXPECT_EQ(
      with_seed(1, UnitKind::heads),
      random_criterion().score(*random_model(small_llama(), 9), UnitKind::heads, {.seed = 1}).of)
      << "weights don't matter";
  const auto a = random_criterion().score_weights(*model, {.seed = 1}),
             b = random_criterion().score_weights(*model, {.seed = 1}),
             c = random_criterion().score_weights(*model, {.seed = 2});
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(same_bits(a[i], b[i]));
    EXPECT_FALSE(same_bits(a[i], c[i]));
  }
  EXPECT_FALSE(same_bits(a[0].narrow(0, 0, a[1].size(0)), a[1])) << "q and k have their own";
}

}  // namespace
}  // namespace crescent::test
