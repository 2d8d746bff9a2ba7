// Level 3: level 2 with weights stored narrower. Its truth is the reference with the numbers that
// the narrow ones stand for.
#include <ATen/ops/zeros.h>

#include "engine/exec/compiled/plan.h"
#include "engine/exec/session.h"
#include "tests/engine/exec/compiled/fed.h"
#include "tests/engine/prune/support.h"

namespace crescent::test {
namespace {

/// Polynomial exponentials, and sums in another order: tests/fixtures/README.md.
constexpr double kFastPath = 1e-4;

/// Few rows are rounded to 16 bits where weights are integers (kernels/matmul.h), many are not: a
/// hundredth of what these weights themselves are off, on these fixtures.
double few_against_many(Width width) { return width == Width::bf16 ? kFewAgainstMany : 3e-3; }

/// What level 3 makes of a tensor, by the plain code: stored and taken back, row by row of [out,
/// in].
at::Tensor stored_and_back(const at::Tensor& stored, const TensorSpec& spec, Width width) {
  const at::Tensor wide = stored.to(at::kFloat);
  const at::Tensor rows = (spec.in_out ? wide.t() : wide).contiguous();
  const int64_t out = rows.size(0), in = rows.size(1), bytes = kernels::row_bytes(width, in);
  std::vector<std::byte> packed(static_cast<size_t>(out * bytes));
  std::vector<float> scales(static_cast<size_t>(out));
  kernels::quantize({.from = rows.data_ptr<float>(),
                     .from_stride = in,
                     .inputs = in,
                     .width = width,
                     .to = packed.data(),
                     .to_stride = bytes,
                     .scales = scales.data()},
                    0, out);
  const at::Tensor back = at::empty({out, in}, at::kFloat);
  for (int64_t row = 0; row < out; ++row) {
    kernels::dequantize(
        {.data = packed.data(), .width = width, .stride = bytes, .scales = scales.data()}, in, row,
        back.data_ptr<float>() + row * in);
  }
  return (spec.in_out ? back.t() : back).contiguous();
}

/// The reference, with the numbers that the narrow ones stand for.
std::shared_ptr<const Model> truth_of(const Model& lossy) {
  const auto wide = lossy.at_level(0);
  return with_weights(*wide, [&](const TensorSpec& spec, const at::Tensor& stored) {
    const Width width = width_of(spec, lossy.config().tied_head, lossy.options().storage);
    return width == Width::fp32 ? at::Tensor() : stored_and_back(stored, spec, width);
  });
}

std::shared_ptr<const Model> stored_as(const Model& model, const Storage& storage) {
  return model.optimized({.level = 3, .storage = storage});
}

constexpr Width kWidths[] = {Width::bf16, Width::int8, Width::int8_grouped, Width::int4};

class Lossy : public testing::TestWithParam<std::tuple<std::string, Width>> {
 protected:
  std::shared_ptr<const Model> wide_ = load(std::get<0>(GetParam()));
  Width width_ = std::get<1>(GetParam());
  std::shared_ptr<const Model> model_ = stored_as(*wide_, {width_, width_});
  int64_t vocab_ = wide_->config().vocab;
};

TEST_P(Lossy, IsTheReferenceWithTheNumbersThatItsWeightsStandFor) {
  const at::Tensor ids = some_ids(2, 30, vocab_);
  const at::Tensor ours = forward(*model_, ids);
  EXPECT_LE(relative_difference(ours, forward(*truth_of(*model_), ids)), kFastPath);
  const bool is_exact = width_ == Width::bf16 && wide_->dtype() == Dtype::bfloat16;
  const double drift = relative_difference(ours, forward(*wide_->at_level(0), ids));
  if (is_exact) EXPECT_LE(drift, kFastPath);
  else EXPECT_GT(drift, 10 * kFastPath) << "nothing was stored narrower";
}

TEST_P(Lossy, AgreesInChunksInBatchesAndWithoutACache) {
  const at::Tensor ids = some_ids(3, 40, vocab_);
  const at::Tensor all = forward(*model_, ids);
  for (const std::vector<int64_t>& pattern : {std::vector<int64_t>{40}, {1}, {3, 1, 9}}) {
    const at::Tensor fed = fed_by(*Session::open(model_, 3, 40), ids, pattern);
    EXPECT_LE(relative_difference(fed, all), few_against_many(width_));
    const auto alone = Session::open(model_, 1, 40);
    const at::Tensor fed_alone = fed_by(*alone, ids.narrow(0, 1, 1), pattern);
    EXPECT_LE(relative_difference(fed_alone, all.narrow(0, 1, 1)), few_against_many(width_));
    if (pattern[0] == 40) {
      EXPECT_TRUE(same_bits(fed, all));
    }
    if (pattern[0] == 1) {
      EXPECT_TRUE(same_bits(fed_alone, fed.narrow(0, 1, 1)));
    }
  }
  EXPECT_LE(relative_difference(forward(*model_, ids, {.last_only = true}), all.narrow(1, 39, 1)),
            few_against_many(width_));
}

TEST_P(Lossy, GivesTheSameBitsWithSeveralThreadsAndWithoutPasses) {
  const at::Tensor ids = some_ids(2, 21, vocab_);
  const at::Tensor one = forward(*model_, ids);
  for (const int count : {2, 3}) {
    set_threads(count);
    const auto again = stored_as(*load(std::get<0>(GetParam())), {width_, width_});
    EXPECT_TRUE(same_bits(forward(*again, ids), one)) << count;
  }
  set_threads(1);
  LevelOptions options = model_->options();
  options.passes = {false, false, false};
  EXPECT_TRUE(same_bits(forward(*model_->optimized(options), ids), one));
}

TEST_P(Lossy, StoresTheHeadInAWidthOfItsOwn) {
  const at::Tensor ids = some_ids(1, 30, vocab_);
  for (const Width head : {Width::fp32, Width::bf16, Width::int8, Width::int4}) {
    const auto model = stored_as(*wide_, {width_, head});
    EXPECT_LE(relative_difference(forward(*model, ids), forward(*truth_of(*model), ids)), kFastPath)
        << kernels::name_of(head);
    const compiled::PlanWeights& weights = model->plan()->weights;
    EXPECT_EQ(weights.head.w.width, head);
    if (!wide_->config().tied_head) continue;
    EXPECT_EQ(weights.token_embedding.data, weights.head.w.data) << "one table";
    EXPECT_EQ(weights.token_embedding.width, head);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Lossy,
                         testing::Combine(testing::Values("gpt2", "llama", "llama3_headdim",
                                                          "llama_tied_linear",
                                                          "llama_bf16_sharded"),
                                          testing::ValuesIn(kWidths)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  kernels::name_of(std::get<1>(info.param));
                         });

TEST(LossyModels, WithUnequalLayersAreTheReferenceToo) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const auto model = random_model(config);
    const Units units = both({head(0, 1), neuron(0, 3), neuron(1, 0), neuron(1, 11)},
                             both(all_neurons(*model, 2), all_heads(*model, 1)));
    for (const Width width : kWidths) {
      const auto lossy = without(*stored_as(*model, {width, width}), units);
      ASSERT_EQ(lossy->options().storage, (Storage{width, width})) << "a pruned one runs as before";
      const at::Tensor ids = some_ids(4, 15, config.vocab);
      const at::Tensor ours = forward(*lossy, ids);
      EXPECT_LE(relative_difference(ours, forward(*truth_of(*lossy), ids)), kFastPath)
          << config.family << " " << kernels::name_of(width);
      EXPECT_LE(relative_difference(fed_by(*Session::open(lossy, 4, 15), ids, {4, 1, 2}), ours),
                few_against_many(width));
    }
  }
}

TEST(LossyModels, OfAnyStoredDtypeArePackedFromItsNumbers) {
  for (const DecoderConfig& config : {small_gpt2(), small_llama()}) {
    const at::Tensor ids = some_ids(2, 12, config.vocab);
    for (const Dtype dtype : {Dtype::float16, Dtype::bfloat16}) {
      const auto model = random_model(config, 3, dtype);
      for (const Width width : kWidths) {
        const auto lossy = stored_as(*model, {width, width});
        EXPECT_LE(relative_difference(forward(*lossy, ids), forward(*truth_of(*lossy), ids)),
                  kFastPath)
            << config.family << " " << name_of(dtype) << " " << kernels::name_of(width);
      }
    }
  }
}

TEST(LossyModels, TakeTheirPackedBytesAndNoFp32CopyOfAMatrix) {
  for (const Dtype dtype : {Dtype::float32, Dtype::float16}) {
    const auto model = random_model(small_gpt2(), 1, dtype)->at_level(3);
    EXPECT_EQ(model->plan_bytes().packed, 0) << "before the first run";
    forward(*model, some_ids(1, 4, 10));
    int64_t packed = 0, wide = 0;
    for (const TensorSpec& spec : model->layout()) {
      const Width width = width_of(spec, /*tied_head=*/true, model->options().storage);
      if (width != Width::fp32) packed += packed_bytes(matrix_shape(spec), width);
      else wide += model->stored().at(spec).numel() * 4;
    }
    EXPECT_EQ(model->plan_bytes().packed, packed);
    EXPECT_EQ(model->plan_bytes().transposed, 0);
    EXPECT_EQ(model->bytes_widened(), dtype == Dtype::float32 ? 0 : wide);
  }
}

TEST(LossyModels, GiveTheirCopiesBackWithTheLastOfThem) {
  const auto model = load("llama");
  auto lossy = model->at_level(3);
  auto other = stored_as(*model, {Width::int4, Width::int4});
  lossy->plan();
  const int64_t one = model->plan_bytes_of_all().packed;
  EXPECT_GT(one, 0);
  other->plan();
  EXPECT_GT(model->plan_bytes_of_all().packed, one);
  other.reset();
  EXPECT_EQ(model->plan_bytes_of_all().packed, one);
  LevelOptions options = lossy->options();
  options.passes.fuse_epilogue = false;
  model->optimized(options)->plan();
  EXPECT_EQ(model->plan_bytes_of_all().packed, one) << "shared by plans of other passes";
  lossy.reset();
  EXPECT_EQ(model->plan_bytes_of_all().packed, 0);
}

TEST(LossyModels, GiveBackTheFilesPagesThatTheyNoLongerRead) {
  const auto model = load_model(fs::path(CRESCENT_SOURCE) / "examples/models/tiny", {});
  const auto lossy = model->at_level(3);
  const at::Tensor ids = some_ids(1, 8, model->config().vocab);
  const at::Tensor before = forward(*model, ids);
  EXPECT_EQ(lossy->plan_bytes().given_back, 0);
  lossy->plan();
  EXPECT_GT(lossy->plan_bytes().given_back, model->bytes_stored() * 8 / 10);
  EXPECT_LE(lossy->plan_bytes().given_back, model->bytes_stored());
  const auto other = stored_as(*model, {Width::int4, Width::int4});
  other->plan();
  EXPECT_EQ(model->plan_bytes_of_all().given_back, lossy->plan_bytes().given_back) << "once";
  EXPECT_EQ(model->plan_bytes().given_back, 0) << "has no plan";
  EXPECT_TRUE(same_bits(forward(*model, ids), before)) << "the file still has them";
}

TEST(LossyModels, ReadBf16WhereItLies) {
  const auto model = load("llama_bf16_sharded");
  const auto lossy = stored_as(*model, {Width::bf16, Width::bf16});
  forward(*lossy, some_ids(1, 4, model->config().vocab));
  EXPECT_EQ(lossy->plan()->weights.layers[0].ffn_up.w.data,
            model->stored().at(Slot::ffn_up_weight, 0).data_ptr());
  EXPECT_EQ(lossy->plan_bytes().packed, 0);
  int64_t norms = 0;
  for (const TensorSpec& spec : model->layout()) {
    if (spec.part == Part::norm) norms += model->stored().at(spec).numel() * 4;
  }
  EXPECT_EQ(lossy->bytes_widened(), norms);
}

TEST(LossyModels, AskForTheirMemoryBeforeTheyCopy) {
  DecoderConfig config = small_gpt2();
  config.vocab = int64_t{200} << 30;
  const auto small = random_model(small_gpt2());
  Layout layout = layout_of(config);
  Weights weights(config.layers.size());
  for (const TensorSpec& spec : layout) {
    weights.set(spec, spec.slot == Slot::token_embedding ? at::zeros({1, 1}).expand(spec.shape)
                                                         : small->stored().at(spec));
  }
  const auto huge = Model::make(small->family(), config, layout, std::move(weights), {});
  const std::string message = message_of([&] { huge->at_level(3)->plan(); });
  // Rows of 8 are padded to a group of 32, and have a scale each.
  const std::string expected = "compiling the model for level 3 int8 needs 7730.9 GB, ";
  EXPECT_EQ(message.substr(0, expected.size()), expected);
  EXPECT_EQ(huge->plan_bytes().packed, 0);
}

TEST(LossyModels, AreRefusedWhereALevelHasNoSuchStorage) {
  const auto model = load("gpt2");
  EXPECT_EQ(message_of([&] {
              model->optimized({.level = 2, .storage = {Width::int8, Width::bf16}});
            }),
            "level 2 reads weights and cache in fp32: expected level 3 for int8, head bf16");
  EXPECT_EQ(message_of([&] { model->optimized({.level = 3}); }),
            "level 3 stores weights narrower: expected bf16, int8 or int4, got fp32");
}

TEST(LevelOptions, AreTold) {
  EXPECT_EQ(words_of(LevelOptions{}), "level 1");
  EXPECT_EQ(words_of(LevelOptions{.level = 2, .passes = {.last_rows = false}}),
            "level 2 without last_rows");
  EXPECT_EQ(words_of(options_of_level(3)), "level 3 int8");
  EXPECT_EQ(words_of(LevelOptions{.level = 3, .storage = {Width::int8, Width::int8, Width::bf16}}),
            "level 3 int8, cache bf16");
  EXPECT_EQ(words_of(LevelOptions{.level = 3, .storage = {Width::bf16, Width::fp32, Width::int8}}),
            "level 3 bf16, head fp32, cache int8");
  EXPECT_EQ(words_of(LevelOptions{.level = 3,
                                  .passes = {.fuse_epilogue = false, .share_arena = false},
                                  .storage = {Width::int8_grouped, Width::fp32}}),
            "level 3 int8 in groups of 32, head fp32, without fuse_epilogue, share_arena");
}

}  // namespace
}  // namespace crescent::test
