#include "engine/eval/calibrate.h"

#include <fmt/format.h>

#include "engine/exec/compiled/passes.h"
#include "engine/exec/forward.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

std::vector<int32_t> walk(const Model& model, int64_t tokens, int64_t seed = 1) {
  const at::Tensor ids = some_ids(1, tokens, model.config().vocab, seed);
  const auto* const id = ids.data_ptr<int64_t>();
  return {id, id + tokens};
}

std::shared_ptr<const Calibration> calibrated(const Model& model, int64_t seed = 1) {
  return calibrate(model, walk(model, 60, seed), {.window = 16});
}

LevelOptions stored_as(Width weights, Width head, std::shared_ptr<const Calibration> by) {
  return {.level = 3,
          .storage = {.weights = weights, .head = head, .calibration = {std::move(by)}}};
}

TEST(Calibrate, KeepsTheMeanSquareOfEveryInput) {
  const auto model = random_model(small_llama());
  const std::vector<int32_t> ids = walk(*model, 14);
  const auto seen = calibrate(*model, ids, {.window = 14});
  EXPECT_EQ(seen->tokens, 14);
  class Looker final : public Observer {
   public:
    SiteSet wanted_tensors() const override {
      return SiteSet{}.add(Site::attention_value).add(Site::final_norm);
    }
    void tensor(Site site, int32_t layer, const TensorView& view) override {
      if (layer > 0) return;
      std::vector<double>& sums = means[site];
      const int64_t columns = view.shape.back(), tokens = view.shape[1];
      sums.resize(static_cast<size_t>(columns));
      for (int64_t i = 0; i < tokens * columns; ++i)
        sums[static_cast<size_t>(i % columns)] +=
            double{view.data[i]} * view.data[i] / static_cast<double>(tokens);
    }
    std::map<Site, std::vector<double>> means;
  } looker;
  forward(*model->at_level(0), ids_tensor(*model, ids), {.observer = &looker});
  for (const auto& [site, layer] : {std::pair(Site::attention_value, 0), {Site::final_norm, -1}}) {
    const std::vector<float>& ours = seen->mean_squares.at({site, layer});
    const std::vector<double>& plain = looker.means.at(site);
    ASSERT_EQ(ours.size(), plain.size());
    for (size_t k = 0; k < ours.size(); ++k) EXPECT_NEAR(ours[k], plain[k], 1e-4 * plain[k]) << k;
  }
}

TEST(Calibrate, SeesEveryMatrixOfEveryFamily) {
  for (const std::string& name : model_names()) {
    const auto model = load(name);
    const auto seen = calibrated(*model);
    for (const TensorSpec& spec : model->layout()) {
      if (!is_matrix(spec, model->config().tied_head)) continue;
      EXPECT_EQ(static_cast<int64_t>(seen->inputs_of(spec).size()), matrix_shape(spec).in)
          << name << " " << spec.name;
    }
  }
}

TEST(Calibrate, SeesTheSameWhateverTheLevelAndWidensNoBf16) {
  const auto model = load("llama_bf16_sharded");
  const auto seen = calibrated(*model);
  EXPECT_LT(model->bytes_widened(), model->bytes_stored() / 10) << "norms alone";
  EXPECT_EQ(model->plan_bytes_of_all().packed, 0);
  const auto wide = with_weights(
      *model, [](const TensorSpec&, const at::Tensor& stored) { return stored.to(at::kFloat); });
  const auto by_level_1 = calibrated(*wide);
  ASSERT_EQ(seen->mean_squares.size(), by_level_1->mean_squares.size());
  for (const auto& [place, means] : seen->mean_squares) {
    const std::vector<float>& others = by_level_1->mean_squares.at(place);
    ASSERT_EQ(means.size(), others.size());
    for (size_t k = 0; k < means.size(); ++k)
      EXPECT_NEAR(means[k], others[k], 1e-4f * others[k] + 1e-12f) << name_of(place.first);
  }
  EXPECT_EQ(*calibrated(*wide->at_level(3)), *by_level_1);
}

TEST(Calibrate, RefusesWhatItCannotRun) {
  const auto model = load("gpt2");
  EXPECT_EQ(message_of([&] { calibrate(*model, std::vector<int32_t>{}); }),
            "the text has 0 tokens: expected at least 2, since one predicts the next");
  EXPECT_EQ(message_of([&] {
              calibrate(*model, std::vector<int32_t>{1, 96, 2}, {.window = 8});
            }),
            "token id 96 at position 2 is outside the vocabulary: expected 0 .. 95");
  EXPECT_NE(message_of([&] {
              calibrate(*model, std::vector<int32_t>{1, 2}, {.window = 100000});
            }),
            "");
}

TEST(CalibratedModels, LoseLessOfTheirProducts) {
  for (const std::string name : {"gpt2", "llama", "llama_tied_linear"}) {
    const auto model = load(name);
    const auto seen = calibrated(*model);
    for (const Width width : {Width::int8, Width::int8_grouped, Width::int4}) {
      const auto gain = model->optimized(stored_as(width, width, seen))->calibration_gain();
      ASSERT_TRUE(gain);
      EXPECT_GT(gain->after, 0);
      EXPECT_LT(gain->after, gain->before) << name << " " << kernels::name_of(width);
      if (width == Width::int4) {
        EXPECT_LT(gain->after, 0.85 * gain->before) << name;
      }
    }
    EXPECT_FALSE(model->at_level(3)->calibration_gain());
  }
}

TEST(CalibratedModels, AreNotTakenForPlainOnesNorForThoseOfAnotherText) {
  const auto model = load("llama");
  const at::Tensor ids = some_ids(1, 20, model->config().vocab);
  const auto plain = model->optimized(stored_as(Width::int4, Width::int4, nullptr));
  const auto one = model->optimized(stored_as(Width::int4, Width::int4, calibrated(*model, 1)));
  const auto again = model->optimized(stored_as(Width::int4, Width::int4, calibrated(*model, 1)));
  const auto other = model->optimized(stored_as(Width::int4, Width::int4, calibrated(*model, 2)));
  EXPECT_FALSE(plain->options() == one->options());
  EXPECT_FALSE(other->options() == one->options());
  EXPECT_TRUE(again->options() == one->options());
  EXPECT_EQ(again->plan(), one->plan()) << "equal numbers, one plan";
  EXPECT_FALSE(same_bits(forward(*one, ids), forward(*plain, ids)));
  EXPECT_FALSE(same_bits(forward(*one, ids), forward(*other, ids)));
}

TEST(CalibratedModels, GiveTheSameBitsWithSeveralThreads) {
  const auto seen = calibrated(*load("gpt2"));
  const at::Tensor ids = some_ids(1, 20, 96);
  const auto options = stored_as(Width::int4, Width::int8, seen);
  const auto one = load("gpt2")->optimized(options);
  const at::Tensor logits = forward(*one, ids);
  set_threads(3);
  const auto three = load("gpt2")->optimized(options);
  EXPECT_TRUE(same_bits(forward(*three, ids), logits));
  EXPECT_EQ(three->calibration_gain()->after, one->calibration_gain()->after);
  set_threads(1);
}

TEST(CalibratedModels, ForgetItWhenTheyAreEdited) {
  const auto whole = random_model(small_gpt2());
  const auto model = whole->optimized(stored_as(Width::int8, Width::int8, calibrated(*whole)));
  const Storage plain{Width::int8, Width::int8};
  EXPECT_EQ(without(*model, {neuron(0, 1)})->options().storage, plain);
  EXPECT_EQ(masked(*model, {neuron(0, 1)})->options().storage, plain);
  EXPECT_EQ(model->at_level(2)->options().storage, Storage{});
}

TEST(CalibratedModels, MayHaveLayersThatLostAllTheirHeadsAndNeurons) {
  const auto whole = random_model(small_llama());
  const auto pruned = without(*whole, both(all_neurons(*whole, 2), all_heads(*whole, 1)));
  const auto model = pruned->optimized(stored_as(Width::int4, Width::int4, calibrated(*pruned)));
  EXPECT_LT(model->calibration_gain()->after, model->calibration_gain()->before);
}

TEST(CalibratedModels, AreRefusedWhereThereIsNothingToChoose) {
  const auto model = load("gpt2");
  const auto seen = calibrated(*model);
  EXPECT_EQ(message_of([&] { model->optimized(stored_as(Width::bf16, Width::fp32, seen)); }),
            "a calibration chooses scales, and bf16, head fp32 has none: expected int8 or int4");
  EXPECT_EQ(message_of([&] { model->optimized({.level = 2, .storage = {.calibration = {seen}}}); }),
            "level 2 reads weights and cache in fp32: expected level 3 for fp32, calibrated on 60 "
            "tokens");
  const auto other = random_model(small_gpt2());
  EXPECT_EQ(message_of([&] { other->optimized(stored_as(Width::int4, Width::int4, seen)); }),
            fmt::format("the calibration is another model's: matrix '{}' has 8 inputs, it saw 32",
                        "wte.weight"));
}

TEST(CalibratedModels, SayWhatWasChosen) {
  const auto model = load("gpt2");
  const auto small = model->optimized(stored_as(Width::int4, Width::bf16, calibrated(*model)));
  EXPECT_EQ(words_of(small->options()), "level 3 int4, head bf16, calibrated on 60 tokens");
  const auto passes = compiled::report_passes(small->config(), small->layout(), small->options(),
                                              *small->calibration_gain());
  const compiled::PassReport& pass = passes.back();
  EXPECT_EQ(pass.name, "calibration");
  EXPECT_TRUE(pass.on);
  EXPECT_EQ(pass.layers, 2);
  EXPECT_EQ(pass.bytes, 0);
  EXPECT_EQ(
      pass.changed,
      fmt::format("scales of 8 matrices by their inputs in 60 tokens: squared error of "
                  "products {:.3g} -> {:.3g} %",
                  100 * small->calibration_gain()->before, 100 * small->calibration_gain()->after));
}

}  // namespace
}  // namespace crescent::test
