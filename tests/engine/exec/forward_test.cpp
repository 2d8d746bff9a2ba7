#include "engine/exec/forward.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include <set>

#include "engine/exec/session.h"
#include "engine/interrupt.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

class Refusals : public testing::TestWithParam<int> {
 protected:
  std::shared_ptr<const Model> model_ = load("gpt2", GetParam());
};

TEST_P(Refusals, NameAnIdOutsideOfTheVocabularyAndItsPosition) {
  EXPECT_EQ(message_of([&] {
              ids_tensor(*model_, std::vector<int32_t>{1, 2, 96});
            }),
            "token id 96 at position 3 is outside the vocabulary: expected 0 .. 95");
  EXPECT_EQ(message_of([&] {
              forward(*model_, at::full({1, 2}, -1, at::kLong));
            }),
            "token id -1 at position 1 is outside the vocabulary: expected 0 .. 95");
}

TEST_P(Refusals, NameAnEmptySequence) {
  EXPECT_EQ(message_of([&] { ids_tensor(*model_, {}); }),
            "token ids: expected at least one, got an empty sequence");
  EXPECT_EQ(message_of([&] {
              forward(*model_, at::empty({0, 3}, at::kLong));
            }),
            "token ids: expected at least one sequence, got none");
}

TEST_P(Refusals, NameIdsThatAreNotATableOfIntegers) {
  EXPECT_EQ(message_of([&] {
              forward(*model_, at::empty({1, 3}, at::kFloat));
            }),
            "token ids: expected an int64 tensor (batch, tokens), got float32 of shape [1, 3]");
  EXPECT_EQ(message_of([&] { forward(*model_, at::empty({3}, at::kLong)); }),
            "token ids: expected an int64 tensor (batch, tokens), got int64 of shape [3]");
}

TEST_P(Refusals, NameMoreTokensThanPositions) {
  EXPECT_EQ(message_of([&] { forward(*model_, some_ids(1, 49, 96)); }),
            "49 tokens are more than the model's 48 positions");
}

TEST_P(Refusals, StopAtAnInterrupt) {
  interrupt_requested = true;
  EXPECT_THROW(forward(*model_, some_ids(1, 4, 96)), Interrupted);
  interrupt_requested = false;
}

INSTANTIATE_TEST_SUITE_P(Levels, Refusals, testing::Values(0, 1, 2, 3));

/// A copy of a model with one weight replaced.
std::shared_ptr<const Model> with(const Model& model, const std::string& name,
                                  const at::Tensor& tensor) {
  Weights weights(model.config().layers.size());
  for (const TensorSpec& spec : model.layout()) {
    weights.set(spec, spec.name == name ? tensor : model.stored().at(spec));
  }
  return Model::make(model.family(), model.config(), model.layout(), weights, model.source());
}

class NotFinite : public testing::TestWithParam<int> {
 protected:
  std::string message_with_nan_in(const std::string& name) {
    const auto model = load("gpt2");
    const at::Tensor broken = model->weight(name).clone();
    broken.view({-1})[0] = NAN;
    const auto bad = with(*model, name, broken)->at_level(GetParam());
    const at::Tensor ids = at::full({1, 3}, 0, at::kLong);
    const std::string alone = message_of([&] { forward(*bad, ids); });
    const auto session = Session::open(bad, 1, 8);
    EXPECT_EQ(message_of([&] { session->feed(ids, {}); }), alone);
    EXPECT_EQ(session->length(), 0);
    return alone;
  }
  static std::string expected(const std::string& place) {
    return "logits are not finite: the first NaN or infinite number came out of " + place +
           "; crescent.inspect.health(model) tells whether the weights hold any";
  }
};

TEST_P(NotFinite, LogitsNameTheFirstPlaceWhereTheyArose) {
  EXPECT_EQ(message_with_nan_in("wte.weight"), expected("the embedding"));
  EXPECT_EQ(message_with_nan_in("h.0.mlp.c_fc.bias"), expected("layer 1 of 2"));
  EXPECT_EQ(message_with_nan_in("h.1.attn.c_proj.weight"), expected("layer 2 of 2"));
  EXPECT_EQ(message_with_nan_in("ln_f.weight"), expected("the last norm"));
}

INSTANTIATE_TEST_SUITE_P(Levels, NotFinite, testing::Values(0, 1, 2, 3));

// Descriptions that no published checkpoint has: what pruning and sweeps will make.
struct Invented {
  const char* name;
  const char* family;
  void (*change)(DecoderConfig&);
};

DecoderConfig plain(const std::string& family) {
  DecoderConfig config = load(family)->config();
  config.layers.resize(1, config.layers.front());
  config.layers.resize(3, config.layers.front());
  return config;
}

void set_heads(LayerSpec& layer, std::vector<int32_t> kv_of_head, int32_t kv_heads) {
  layer.kv_of_head = std::move(kv_of_head);
  layer.kv_heads = kv_heads;
  layer.origin.heads.resize(layer.kv_of_head.size());
}

const std::vector<Invented> kInvented{
    {"uneven_groups", "llama",
     [](DecoderConfig& c) {
       set_heads(c.layers[0], {0, 0, 0, 1}, 2);
       set_heads(c.layers[1], {1, 0, 1}, 2);
       set_heads(c.layers[2], {0, 1, 2, 2, 2}, 3);
     }},
    {"one_key_head", "llama",
     [](DecoderConfig& c) {
       for (auto& l : c.layers) set_heads(l, {0, 0, 0}, 1);
     }},
    {"wide_heads", "llama",
     [](DecoderConfig& c) {
       c.layers[0].head_dim = 20;
       c.layers[1].head_dim = 6;
       c.layers[2].attention_scale = 0.5;
     }},
    {"no_attention", "llama", [](DecoderConfig& c) { c.layers[1].has_attention = false; }},
    {"no_feed_forward", "gpt2", [](DecoderConfig& c) { c.layers[0].has_ffn = false; }},
    {"neither", "gpt2",
     [](DecoderConfig& c) { c.layers[2].has_attention = c.layers[2].has_ffn = false; }},
    {"uneven_widths", "gpt2",
     [](DecoderConfig& c) {
       c.layers[0].ffn_width = 5;
       c.layers[1].ffn_width = 200;
     }},
    {"fewer_heads", "gpt2", [](DecoderConfig& c) { set_heads(c.layers[1], {0}, 1); }},
    {"all_heads_gone", "gpt2", [](DecoderConfig& c) { set_heads(c.layers[0], {}, 0); }},
    {"all_neurons_gone", "gpt2", [](DecoderConfig& c) { c.layers[0].ffn_width = 0; }},
    {"relu", "gpt2", [](DecoderConfig& c) { c.activation = Activation::relu; }},
    {"exact_gelu", "gpt2", [](DecoderConfig& c) { c.activation = Activation::gelu; }},
    {"untied", "gpt2", [](DecoderConfig& c) { c.tied_head = false; }},
};

class InventedModels : public testing::TestWithParam<std::tuple<Invented, int>> {};

TEST_P(InventedModels, RunLikeTheReferenceWithAndWithoutACache) {
  const auto& [invented, level] = GetParam();
  DecoderConfig config = plain(invented.family);
  invented.change(config);
  const auto model =
      make_random(family_of(config.family, "test"), config, /*seed=*/5)->at_level(level);
  const at::Tensor ids = some_ids(2, 11, config.vocab);
  const at::Tensor truth = forward(*model->at_level(0), ids);
  const double bound = 1e-5 * truth.std().item<double>();
  EXPECT_GT(bound, 0);
  EXPECT_LE(max_abs_difference(forward(*model, ids), truth), bound);

  const auto session = Session::open(model, 2, 11);
  const at::Tensor start = session->feed(ids.narrow(1, 0, 6), {});
  std::vector<at::Tensor> pieces{start};
  for (int64_t t = 6; t < 11; ++t) pieces.push_back(session->feed(ids.narrow(1, t, 1), {}));
  EXPECT_LE(max_abs_difference(at::cat(pieces, 1), truth), bound);

  const Captured slow = forward_captured(*model->at_level(0), ids, {.attention = true});
  const Captured fast = forward_captured(*model, ids, {.attention = true});
  for (size_t k = 0; k < 3; ++k) {
    const int64_t heads = config.layers[k].has_attention ? config.layers[k].heads() : 0;
    ASSERT_EQ(fast.attention[k].sizes(), (at::IntArrayRef{2, heads, 11, 11}));
    EXPECT_LE(max_abs_difference(fast.attention[k], slow.attention[k]), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Configurations, InventedModels,
                         testing::Combine(testing::ValuesIn(kInvented), testing::Values(1, 2)),
                         [](const auto& info) {
                           return fmt::format("{}_level{}", std::get<0>(info.param).name,
                                              std::get<1>(info.param));
                         });

// Observers.
class Recorder : public Observer {
 public:
  explicit Recorder(bool everything) : everything_(everything) {}
  SiteSet wanted_tensors() const override {
    return everything_ ? all() : SiteSet{}.add(Site::ffn_up);
  }
  SiteSet wanted_spans() const override { return everything_ ? all() : SiteSet{}.add(Site::qkv); }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    shapes[{site, layer}] = {view.shape.begin(), view.shape.end()};
  }
  void begin(Site site, int32_t layer) override {
    open.push_back({site, layer});
    begun.push_back({site, layer});
  }
  void end(Site site, int32_t layer) override {
    ASSERT_FALSE(open.empty());
    EXPECT_EQ(open.back(), std::make_pair(site, layer)) << "spans nest";
    open.pop_back();
    closed.insert(site);
  }

  std::map<std::pair<Site, int32_t>, std::vector<int64_t>> shapes;
  std::vector<std::pair<Site, int32_t>> open, begun;
  std::set<Site> closed;

 private:
  static SiteSet all() { return {(1u << kSites) - 1}; }
  bool everything_;
};

class Observers : public testing::TestWithParam<int> {};

TEST_P(Observers, SeeEverySiteInItsDocumentedShape) {
  const auto model = load("llama", GetParam());
  Recorder recorder(true);
  forward(*model, some_ids(2, 7, model->config().vocab), {.observer = &recorder});
  const std::map<Site, std::vector<int64_t>> expected{{Site::attention_norm, {2, 7, 32}},
                                                      {Site::attention_softmax, {2, 4, 7, 7}},
                                                      {Site::attention_value, {2, 7, 32}},
                                                      {Site::attention_output, {2, 7, 32}},
                                                      {Site::attention_residual, {2, 7, 32}},
                                                      {Site::ffn_gate_product, {2, 7, 48}},
                                                      {Site::ffn_norm, {2, 7, 32}},
                                                      {Site::ffn_up, {2, 7, 48}},
                                                      {Site::ffn_activation, {2, 7, 48}},
                                                      {Site::ffn_down, {2, 7, 32}},
                                                      {Site::block, {2, 7, 32}}};
  for (const auto& [site, shape] : expected) {
    for (int32_t layer : {0, 1}) {
      EXPECT_EQ((recorder.shapes[{site, layer}]), shape) << static_cast<int>(site);
    }
  }
  EXPECT_EQ((recorder.shapes[{Site::embedding, -1}]), (std::vector<int64_t>{2, 7, 32}));
  EXPECT_EQ((recorder.shapes[{Site::final_norm, -1}]), (std::vector<int64_t>{2, 7, 32}));
  EXPECT_EQ((recorder.shapes[{Site::head, -1}]), (std::vector<int64_t>{2, 7, 96}));
  EXPECT_EQ(recorder.shapes.size(), 2 * expected.size() + 3) << "and nothing else";
  EXPECT_TRUE(recorder.open.empty());
  // Level 1 adds the mask within the product that gives the scores. Level 2 attends in one go, and
  // multiplies what it activates.
  const std::set<Site> absent[] = {
      {},
      {Site::attention_scale_mask},
      {Site::attention_scores, Site::attention_scale_mask, Site::attention_softmax,
       Site::attention_value, Site::ffn_activate, Site::ffn_multiply}};
  for (int i = 0; i < kSites; ++i) {
    const auto site = static_cast<Site>(i);
    EXPECT_EQ(recorder.closed.count(site), 1 - absent[std::min(GetParam(), 2)].count(site))
        << name_of(site);
  }
}

TEST(Levels, AnnounceTheSameLayersAndComponentsInTheSameOrder) {
  for (const std::string name : {"gpt2", "llama"}) {
    std::vector<std::pair<Site, int32_t>> seen[4];
    for (int level : {0, 1, 2, 3}) {
      const auto model = load(name, level);
      Recorder recorder(true);
      forward(*model, some_ids(1, 7, model->config().vocab), {.observer = &recorder});
      for (const auto& span : recorder.begun)
        if (depth_of(span.first) != SiteDepth::operation) seen[level].push_back(span);
    }
    EXPECT_EQ(seen[0], seen[1]) << name;
    EXPECT_EQ(seen[0], seen[2]) << name;
    EXPECT_EQ(seen[0], seen[3]) << name;
    EXPECT_GT(seen[0].size(), 20u);
  }
}

TEST_P(Observers, GetOnlyWhatTheyAskedFor) {
  const auto model = load("gpt2", GetParam());
  Recorder recorder(false);
  forward(*model, some_ids(1, 5, 96), {.observer = &recorder});
  EXPECT_EQ(recorder.shapes.size(), 2u);
  EXPECT_EQ(recorder.closed, std::set<Site>{Site::qkv});
}

TEST_P(Observers, DoNotChangeTheLogits) {
  const auto model = load("gpt2", GetParam());
  Recorder recorder(true);
  const at::Tensor ids = some_ids(1, 9, 96);
  EXPECT_TRUE(same_bits(forward(*model, ids), forward(*model, ids, {.observer = &recorder})));
}

INSTANTIATE_TEST_SUITE_P(Levels, Observers, testing::Values(0, 1, 2, 3));

}  // namespace
}  // namespace crescent::test
