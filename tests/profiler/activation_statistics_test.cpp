#include "profiler/activation_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace crescent {
namespace {

struct Tensor {
  std::vector<float> values;
  std::vector<int64_t> shape;
  TensorView view() const { return {values.data(), shape}; }
};

double value_of(const ActivationStatistics& statistics, Site site, const std::string& name,
                int head = -1, Section section = Section::decode) {
  for (const Statistic& s : statistics.results())
    if (s.site == site && s.name == name && s.head == head && s.section == section) return s.value;
  ADD_FAILURE() << "no " << name;
  return std::nan("");
}

TEST(ActivationStatistics, AreThoseOfAllTokensTogether) {
  ActivationStatistics statistics({.activations = true, .threshold = 1.5f});
  const Tensor first{{1, -2, 3, -4}, {1, 1, 4}}, second{{0, 0, 0, 10}, {1, 1, 4}};
  statistics.take(Section::decode, Site::block, 0, first.view());
  statistics.take(Section::decode, Site::block, 0, second.view());
  EXPECT_DOUBLE_EQ(value_of(statistics, Site::block, "abs_mean"), 20.0 / 8);
  // mean 1, mean of squares 130 / 8
  EXPECT_NEAR(value_of(statistics, Site::block, "deviation"), std::sqrt(130.0 / 8 - 1), 1e-12);
  EXPECT_EQ(value_of(statistics, Site::block, "abs_max"), 10);
  EXPECT_EQ(value_of(statistics, Site::block, "below_share"), 0.5);
  EXPECT_EQ(statistics.bytes_read(), 32);
}

TEST(ActivationStatistics, KeepSectionsAndLayersApart) {
  ActivationStatistics statistics({.activations = true});
  const Tensor x{{1, 1}, {1, 1, 2}}, y{{3, 3}, {1, 1, 2}};
  statistics.take(Section::prefill, Site::block, 0, x.view());
  statistics.take(Section::decode, Site::block, 0, y.view());
  statistics.take(Section::decode, Site::block, 1, x.view());
  EXPECT_EQ(statistics.results().size(), 12u);
  EXPECT_EQ(value_of(statistics, Site::block, "abs_mean", -1, Section::prefill), 1);
  EXPECT_EQ(value_of(statistics, Site::block, "abs_mean"), 3);
}

TEST(ActivationStatistics, AQuerySeesOnlyTheKeysUpToItsOwn) {
  ActivationStatistics statistics({.attention = true, .attention_threshold = 0.1f});
  // One head, two queries behind one cached key: (1, 1, 2, 3).
  const Tensor p{{0.5f, 0.5f, 0, 0.05f, 0.45f, 0.5f}, {1, 1, 2, 3}};
  statistics.take(Section::prefill, Site::attention_softmax, 3, p.view());
  const double second = -(0.05 * std::log(0.05) + 0.45 * std::log(0.45) + 0.5 * std::log(0.5));
  const auto at = [&](const char* name) {
    return value_of(statistics, Site::attention_softmax, name, 0, Section::prefill);
  };
  EXPECT_NEAR(at("entropy_nats"), (std::log(2.0) + second) / 2, 1e-5);
  EXPECT_NEAR(at("weight_max"), 0.5, 1e-6);
  EXPECT_NEAR(at("sparsity"), (0 + 1.0 / 3) / 2, 1e-9);
}

TEST(ActivationStatistics, ANormIsHeldAgainstWhatEnteredIt) {
  ActivationStatistics statistics({.norms = true});
  const Tensor in{{-2, 2}, {1, 1, 2}}, out{{-1, 1}, {1, 1, 2}}, middle{{-4, 4}, {1, 1, 2}};
  statistics.take(Section::decode, Site::embedding, -1, in.view());
  statistics.take(Section::decode, Site::attention_norm, 0, out.view());
  statistics.take(Section::decode, Site::attention_residual, 0, middle.view());
  statistics.take(Section::decode, Site::ffn_norm, 0, out.view());
  EXPECT_DOUBLE_EQ(value_of(statistics, Site::attention_norm, "variance_ratio"), 1.0 / 4);
  EXPECT_DOUBLE_EQ(value_of(statistics, Site::ffn_norm, "variance_ratio"), 1.0 / 16);
  EXPECT_EQ(statistics.results().size(), 2u);
}

TEST(ActivationStatistics, GatesAreThoseBeforeTheActivation) {
  const Tensor gate{{-1, -2, -3, 4}, {1, 1, 4}}, up{{-1, 2, -3, 4}, {1, 1, 4}};
  ActivationStatistics ungated({.gates = true}), gated({.gates = true});
  ungated.take(Section::decode, Site::ffn_up, 0, up.view());
  EXPECT_EQ(value_of(ungated, Site::ffn_up, "negative_share"), 0.5);

  gated.take(Section::decode, Site::ffn_gate_product, 0, gate.view());
  gated.take(Section::decode, Site::ffn_up, 0, up.view());
  EXPECT_EQ(value_of(gated, Site::ffn_gate_product, "negative_share"), 0.75);
  EXPECT_EQ(gated.results().size(), 1u);
}

TEST(ActivationStatistics, WantNothingThatNobodyAskedFor) {
  EXPECT_EQ(ActivationStatistics(StatisticsOptions{}).wanted().bits, 0u);
}

}  // namespace
}  // namespace crescent
