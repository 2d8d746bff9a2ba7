#include "engine/model/accounting.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/formats/hf_folder.h"
#include "engine/model/presets.h"
#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

TEST(Accounting, CountsParametersAsTheReferenceDoes) {
  size_t models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixture("models"))) {
    const auto expected = read_json(entry.path() / "expected.json");
    const auto [family, config, end] =
        read_hf_config(read_json(entry.path() / "config.json"), entry.path().string());
    const PartCounts counts = parameters(family->layout(config));
    EXPECT_EQ(counts.total(), expected["parameter_count"]) << entry.path();
    EXPECT_EQ(
        counts.total() - counts[Part::embedding] - counts[Part::positions] - counts[Part::head],
        expected["parameter_count_without_embeddings"])
        << entry.path();
    ++models;
  }
  EXPECT_EQ(models, 12u);
}

Layout layout_of(const DecoderConfig& config) {
  return family_of(config.family, "").layout(config);
}

TEST(Accounting, SplitsGpt2ByPart) {
  const PartCounts counts = parameters(layout_of(preset("gpt2").config()));
  EXPECT_EQ(counts[Part::embedding], 50257 * 768);
  EXPECT_EQ(counts[Part::positions], 1024 * 768);
  EXPECT_EQ(counts[Part::norm], (12 * 2 + 1) * 2 * 768);
  EXPECT_EQ(counts[Part::attention], 12 * (768 * 2304 + 2304 + 768 * 768 + 768));
  EXPECT_EQ(counts[Part::ffn], 12 * (768 * 3072 + 3072 + 3072 * 768 + 768));
  EXPECT_EQ(counts[Part::head], 0) << "a tied head counts once, as embedding";
}

TEST(Accounting, CountsTwoOperationsAMultiplyAdd) {
  const DecoderConfig config = preset("gpt2").config();
  const PartCounts flops = flops_per_token(config, 100);
  EXPECT_EQ(flops[Part::attention], 2LL * 12 * (768 * 2304 + 768 * 768 + 2 * 768 * 100));
  EXPECT_EQ(flops[Part::ffn], 2LL * 12 * 2 * 768 * 3072);
  EXPECT_EQ(flops[Part::head], 2LL * 50257 * 768) << "a tied head computes all the same";
  EXPECT_EQ(flops.total(), flops[Part::attention] + flops[Part::ffn] + flops[Part::head]);
}

TEST(Accounting, CountsSharedKeysAndGatesInFlops) {
  const DecoderConfig config = preset("tinyllama-1.1b").config();
  const PartCounts flops = flops_per_token(config, 1);
  EXPECT_EQ(flops[Part::attention], 2LL * 22 * (2048 * (2 * 2048 + 2 * 256) + 2 * 2048));
  EXPECT_EQ(flops[Part::ffn], 2LL * 22 * 3 * 2048 * 5632);
}

TEST(Accounting, CountsNothingForHalvesThatAreGone) {
  DecoderConfig config = preset("gpt2").config();
  const PartCounts whole = flops_per_token(config, 10);
  for (LayerSpec& layer : config.layers) layer.has_attention = false;
  EXPECT_EQ(flops_per_token(config, 10)[Part::attention], 0);
  EXPECT_EQ(parameters(layout_of(config))[Part::attention], 0);
  EXPECT_EQ(flops_per_token(config, 10)[Part::ffn], whole[Part::ffn]);
  for (LayerSpec& layer : config.layers) layer.has_ffn = false;
  EXPECT_EQ(flops_per_token(config, 10)[Part::ffn], 0);
}

TEST(Accounting, ReadsATiedTableOnceAsHeadAndOneRowOfEachTable) {
  const DecoderConfig config = preset("gpt2").config();
  const int64_t total = parameters(layout_of(config)).total();
  EXPECT_EQ(elements_read_per_token(config, layout_of(config)), total - 1024 * 768 + 2 * 768);
  const DecoderConfig untied = preset("tinyllama-1.1b").config();
  const int64_t all = parameters(layout_of(untied)).total();
  EXPECT_EQ(elements_read_per_token(untied, layout_of(untied)), all - 32000 * 2048 + 2048);
}

TEST(Accounting, TheWorkOfAllComponentsIsThatOfTheToken) {
  for (const char* name : {"gpt2", "tinyllama-1.1b"}) {
    const DecoderConfig config = preset(name).config();
    const Layout layout = layout_of(config);
    const SectionSize size{.tokens = 1, .past = 99, .logits = 1};
    const Work work = work_of_pass(config, size);
    EXPECT_EQ(work.flops, flops_per_token(config, 100).total()) << name;
    int64_t cache = 0;
    for (const LayerSpec& layer : config.layers) cache += 2 * 100 * layer.kv_heads * layer.head_dim;
    const auto norms = parameters(layout)[Part::norm];
    EXPECT_EQ(work.bytes, 4 * (elements_read_per_token(config, layout) - norms + cache)) << name;
    EXPECT_EQ(bytes_read_per_token(config, layout, {}), 4 * elements_read_per_token(config, layout))
        << name;
    for (const Storage& storage :
         {Storage{Width::int8, Width::int8}, Storage{Width::bf16, Width::int4},
          Storage{Width::int4, Width::fp32}}) {
      EXPECT_EQ(work_of_pass(config, size, storage).bytes,
                bytes_read_per_token(config, layout, storage) + 4 * (cache - norms))
          << name << " " << words_of(storage);
    }
    const double without = work.bytes - 4 * static_cast<double>(cache);
    for (const Width kv : {Width::bf16, Width::int8}) {
      EXPECT_EQ(work_of_pass(config, size, {.kv = kv}).bytes,
                without + static_cast<double>(cache_bytes(config, {.capacity = 100}, kv)))
          << name << " " << kernels::name_of(kv);
    }
  }
}

TEST(Accounting, OperationsHaveTheWorkOfTheirComponents) {
  const DecoderConfig config = preset("tinyllama-1.1b").config();
  const SectionSize size{.tokens = 5, .past = 20};
  const auto flops = [&](Site site) { return work_at(config, site, 3, size)->flops; };
  EXPECT_EQ(flops(Site::attention), flops(Site::attention_scores) + flops(Site::attention_value));
  EXPECT_EQ(flops(Site::ffn_up), flops(Site::ffn_gate_product) + flops(Site::ffn_up_product));
  EXPECT_FALSE(work_at(config, Site::attention_softmax, 3, size));
}

TEST(Accounting, CountsACacheThatNoMachineHoldsAsTheLargestNumber) {
  const DecoderConfig config = preset("tinyllama-1.1b").config();
  EXPECT_EQ(cache_elements(config, {.batch = 2, .capacity = 5}), 22 * 2 * 4 * 64 * 2 * 5);
  EXPECT_EQ(cache_bytes(config, {.batch = 2, .capacity = 5}, Width::fp32), 22 * 8 * 256 * 10);
  EXPECT_EQ(cache_bytes(config, {.batch = 2, .capacity = 5}, Width::bf16), 22 * 8 * 128 * 10);
  EXPECT_EQ(cache_bytes(config, {.batch = 2, .capacity = 5}, Width::int8), 22 * 8 * 68 * 10);
  EXPECT_EQ(
      cache_bytes(config, {.batch = int64_t{1} << 40, .capacity = int64_t{1} << 40}, Width::int8),
      std::numeric_limits<int64_t>::max());
  EXPECT_EQ(cache_elements(config, {.batch = int64_t{1} << 40, .capacity = int64_t{1} << 40}),
            std::numeric_limits<int64_t>::max());
}

TEST(Accounting, NamesEveryPart) {
  std::string names;
  for (int i = 0; i < kParts; ++i) names += std::string(name_of(static_cast<Part>(i))) + " ";
  EXPECT_EQ(names, "embedding positions norm attention ffn head ");
}

}  // namespace
}  // namespace crescent
