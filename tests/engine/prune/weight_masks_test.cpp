#include "engine/prune/weight_masks.h"

#include <ATen/ops/zeros_like.h>

#include "engine/prune/measure.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

using Pool = WeightMaskOptions::Pool;

bool keeps(const WeightMask& mask, int64_t element) {
  const auto at = static_cast<size_t>(element);
  return mask.kept[at / 8] >> (at % 8) & 1;
}
int64_t removed_in(const std::vector<WeightMask>& masks) {
  int64_t removed = 0;
  for (const WeightMask& mask : masks) removed += mask.removed;
  return removed;
}
int64_t weights_in(const std::vector<WeightMask>& masks) {
  int64_t elements = 0;
  for (const WeightMask& mask : masks) elements += mask.elements;
  return elements;
}
std::vector<at::Tensor> magnitudes(const Model& model) {
  return magnitude_criterion().score_weights(model, {});
}
const TensorSpec& spec_of(const Model& model, const WeightMask& mask) {
  for (const TensorSpec& spec : model.layout()) {
    if (spec.name == mask.tensor) return spec;
  }
  throw Error("no tensor '" + mask.tensor + "'");
}

/// Of every kind of storage: GPT-2's matrices are [in, out], Llama's [out, in].
std::vector<std::shared_ptr<const Model>> models() {
  return {random_model(small_gpt2()), random_model(small_llama())};
}

TEST(WeightMasks, RemoveExactlyTheShareOfAllWeightsTogether) {
  for (const auto& model : models()) {
    for (const double ratio : {0.0, 0.1, 1.0 / 3, 0.5, 0.999, 1.0}) {
      const auto masks = weight_masks(*model, magnitudes(*model), {.ratio = ratio});
      EXPECT_EQ(masks.size(), layer_matrices(model->layout()).size());
      const int64_t total = weights_in(masks);
      EXPECT_EQ(removed_in(masks), std::llround(ratio * static_cast<double>(total))) << ratio;
      int64_t bits = 0;
      for (const WeightMask& mask : masks) {
        EXPECT_EQ(mask.elements, model->weight(mask.tensor).numel());
        int64_t kept = 0;
        for (int64_t i = 0; i < mask.elements; ++i) kept += keeps(mask, i);
        EXPECT_EQ(kept, mask.elements - mask.removed) << mask.tensor;
        bits += kept;
      }
      EXPECT_EQ(bits, total - removed_in(masks));
    }
  }
}

TEST(WeightMasks, RemoveTheLowestOfAllMatrices) {
  for (const auto& model : models()) {
    const auto masks = weight_masks(*model, magnitudes(*model), {.ratio = 0.4});
    float highest_removed = 0, lowest_kept = 1e30f;
    for (const WeightMask& mask : masks) {
      const at::Tensor w = model->weight(mask.tensor).abs().contiguous();
      for (int64_t i = 0; i < mask.elements; ++i) {
        const float value = w.data_ptr<float>()[i];
        if (keeps(mask, i)) {
          lowest_kept = std::min(lowest_kept, value);
        } else {
          highest_removed = std::max(highest_removed, value);
        }
      }
    }
    EXPECT_LE(highest_removed, lowest_kept);
    EXPECT_GT(highest_removed, 0);
  }
}

TEST(WeightMasks, RemoveTheShareOfEachMatrix) {
  for (const auto& model : models()) {
    for (const WeightMask& mask :
         weight_masks(*model, magnitudes(*model), {.ratio = 0.3, .pool = Pool::matrix})) {
      EXPECT_EQ(mask.removed, std::llround(0.3 * static_cast<double>(mask.elements)));
    }
  }
}

/// Calls use(kept, score) with the inputs of every output row of a mask.
void for_each_row(
    const Model& model, const WeightMask& mask,
    const std::function<void(const std::vector<bool>&, const std::vector<float>&)>& use) {
  const TensorSpec& spec = spec_of(model, mask);
  const int64_t out = spec.shape[spec.in_out ? 1 : 0], in = spec.shape[spec.in_out ? 0 : 1];
  const at::Tensor w = model.weight(mask.tensor).abs().contiguous();
  for (int64_t row = 0; row < out; ++row) {
    std::vector<bool> kept;
    std::vector<float> values;
    for (int64_t i = 0; i < in; ++i) {
      const int64_t element = spec.in_out ? i * out + row : row * in + i;
      kept.push_back(keeps(mask, element));
      values.push_back(w.data_ptr<float>()[element]);
    }
    use(kept, values);
  }
}

TEST(WeightMasks, RemoveTheLowestShareOfEachOutputRow) {
  for (const auto& model : models()) {
    for (const WeightMask& mask :
         weight_masks(*model, magnitudes(*model), {.ratio = 0.25, .pool = Pool::row})) {
      for_each_row(*model, mask, [&](const std::vector<bool>& kept, const std::vector<float>& v) {
        const auto share = static_cast<int64_t>(kept.size()) / 4;
        EXPECT_EQ(std::count(kept.begin(), kept.end(), false), share) << mask.tensor;
        float highest_removed = 0, lowest_kept = 1e30f;
        for (size_t i = 0; i < v.size(); ++i) {
          if (kept[i]) lowest_kept = std::min(lowest_kept, v[i]);
          if (!kept[i]) highest_removed = std::max(highest_removed, v[i]);
        }
        EXPECT_LE(highest_removed, lowest_kept);
      });
    }
  }
}

TEST(WeightMasks, LeaveTheTwoHighestOfEachFourAlongTheInput) {
  for (const auto& model : models()) {
    const auto masks =
        weight_masks(*model, magnitudes(*model), {.ratio = 0.9, .two_of_four = true});
    EXPECT_EQ(2 * removed_in(masks), weights_in(masks)) << "whatever the ratio says";
    for (const WeightMask& mask : masks) {
      for_each_row(*model, mask, [&](const std::vector<bool>& kept, const std::vector<float>& v) {
        for (size_t first = 0; first < kept.size(); first += 4) {
          std::vector<size_t> order{first, first + 1, first + 2, first + 3};
          std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return v[a] < v[b]; });
          EXPECT_FALSE(kept[order[0]]) << mask.tensor;
          EXPECT_FALSE(kept[order[1]]) << mask.tensor;
          EXPECT_TRUE(kept[order[2]]) << mask.tensor;
          EXPECT_TRUE(kept[order[3]]) << mask.tensor;
        }
      });
    }
  }
}

TEST(WeightMasks, TakeTheFirstOfEqualScores) {
  const auto model = random_model(small_llama());
  std::vector<at::Tensor> equal;
  for (const at::Tensor& scores : magnitudes(*model)) equal.push_back(at::zeros_like(scores));
  const auto masks = weight_masks(*model, equal, {.two_of_four = true});
  EXPECT_EQ(masks[0].kept, std::vector<uint8_t>(masks[0].kept.size(), 0b11001100));
  const auto of_matrix = weight_masks(*model, equal, {.ratio = 0.25, .pool = Pool::matrix});
  EXPECT_EQ(of_matrix[0].kept.front(), 0);
  EXPECT_EQ(of_matrix[0].kept.back(), 0xFF);
}

TEST(WeightMasks, LeaveProtectedLayersAlone) {
  const auto model = random_model(small_llama());
  const auto masks =
      weight_masks(*model, magnitudes(*model), {.ratio = 0.5, .protected_layers = {0, 2}});
  EXPECT_EQ(masks.size(), 7u);
  for (const WeightMask& mask : masks) EXPECT_EQ(spec_of(*model, mask).layer, 1);
  EXPECT_EQ(2 * removed_in(masks), weights_in(masks)) << "the share is of the others";
}

TEST(WeightMasks, CoverModelsThatLostAllHeadsOrNeuronsOfALayer) {
  for (const auto& whole : models()) {
    const auto model = without(*whole, both(all_heads(*whole, 0), all_neurons(*whole, 1)));
    for (const WeightMaskOptions& options :
         {WeightMaskOptions{.ratio = 0.5}, WeightMaskOptions{.ratio = 0.5, .pool = Pool::matrix},
          WeightMaskOptions{.ratio = 0.5, .pool = Pool::row},
          WeightMaskOptions{.two_of_four = true}}) {
      const auto masks = weight_masks(*model, magnitudes(*model), options);
      EXPECT_EQ(2 * removed_in(masks), weights_in(masks));
      const at::Tensor ids = some_ids(1, 5, 10);
      EXPECT_FALSE(same_bits(forward(*with_masks(*model, masks), ids), forward(*model, ids)));
    }
  }
}

TEST(WeightMasks, RefuseAWidthThatFourDoesNotDivide) {
  const auto model = without(*random_model(small_gpt2()), {neuron(1, 3)});
  EXPECT_EQ(
      message_of([&] { weight_masks(*model, magnitudes(*model), {.two_of_four = true}); }),
      "pattern '2:4': tensor 'h.1.mlp.c_proj.weight' has 11 inputs, expected a multiple of 4");
  EXPECT_NO_THROW(
      weight_masks(*model, magnitudes(*model), {.two_of_four = true, .protected_layers = {1}}));
}

TEST(WeightMasks, RefuseScoresOfOtherMatrices) {
  const auto model = random_model(small_gpt2());
  std::vector<at::Tensor> scores = magnitudes(*model);
  EXPECT_EQ(message_of([&] { weight_masks(*model, {}, {}); }),
            "scores: expected those of 12 matrices, got 0");
  std::vector<at::Tensor> turned = scores;
  turned[0] = turned[0].t();
  EXPECT_EQ(message_of([&] { weight_masks(*model, turned, {}); }),
            "scores: expected shape [8, 24] for tensor 'h.0.attn.c_attn.weight', got [24, 8]");
  scores[1] = scores[1].clone();
  scores[1].select(0, 2).fill_(std::nan(""));
  EXPECT_EQ(message_of([&] { weight_masks(*model, scores, {}); }),
            "scores: one of tensor 'h.0.attn.c_proj.weight' is not a number");
}

TEST(WithMasks, ZerosExactlyWhatTheMasksSayAndSharesTheRest) {
  for (const auto& model : models()) {
    const std::string before = model->hash();
    const auto masks =
        weight_masks(*model, magnitudes(*model), {.ratio = 0.4, .protected_layers = {2}});
    const auto sparse = with_masks(*model, masks);
    EXPECT_EQ(sparse->config(), model->config());
    EXPECT_EQ(sparse->level(), model->level());
    for (const TensorSpec& spec : model->layout()) {
      const at::Tensor &old = model->stored().at(spec), &fresh = sparse->stored().at(spec);
      const auto mask = std::find_if(masks.begin(), masks.end(),
                                     [&](const WeightMask& m) { return m.tensor == spec.name; });
      if (mask == masks.end()) {
        EXPECT_TRUE(fresh.is_same(old)) << spec.name;
        continue;
      }
      const at::Tensor a = old.contiguous(), b = fresh.contiguous();
      for (int64_t i = 0; i < a.numel(); ++i) {
        EXPECT_EQ(b.data_ptr<float>()[i], keeps(*mask, i) ? a.data_ptr<float>()[i] : 0.0f)
            << spec.name << " " << i;
      }
    }
    EXPECT_EQ(model->hash(), before);
    const at::Tensor ids = some_ids(1, 8, 10);
    EXPECT_LE(relative_difference(forward(*sparse->at_level(0), ids), forward(*sparse, ids)), 1e-5);
  }
}

TEST(WithMasks, KeepsNarrowWeightsNarrow) {
  const auto model = load("llama_bf16_sharded");
  const auto masks = weight_masks(*model, magnitudes(*model), {.two_of_four = true});
  const auto sparse = with_masks(*model, masks);
  EXPECT_EQ(sparse->dtype(), Dtype::bfloat16);
  int64_t zeros = 0;
  for (const WeightMask& mask : masks) {
    zeros += sparse->weight(mask.tensor).eq(0).sum().item<int64_t>();
  }
  EXPECT_GE(2 * zeros, weights_in(masks));
  EXPECT_EQ(with_masks(*model, {})->hash(), model->hash());
}

TEST(WithMasks, RefusesMasksOfAnotherModel) {
  const auto model = random_model(small_gpt2());
  auto masks = weight_masks(*model, magnitudes(*model), {.ratio = 0.5});
  const auto message = [&] { return message_of([&] { with_masks(*model, masks); }); };
  masks[0].kept.pop_back();
  EXPECT_EQ(message(), "the mask of tensor 'h.0.attn.c_attn.weight' has 23 bytes for 192 weights");
  masks[0].elements = 184;
  EXPECT_EQ(message(),
            "the mask of tensor 'h.0.attn.c_attn.weight' is of 184 weights, the model's has 192");
  masks[0].tensor = "h.9.attn.c_attn.weight";
  EXPECT_EQ(message(), "a mask names a tensor that the model doesn't have");
}

}  // namespace
}  // namespace crescent::test
