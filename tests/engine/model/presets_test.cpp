#include "engine/model/presets.h"

#include <nlohmann/json.hpp>

#include "engine/families/family.h"
#include "engine/model/accounting.h"
#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

TEST(Presets, HaveThePublishedParameterCounts) {
  const std::pair<const char*, int64_t> published[] = {
      {"gpt2", 124'439'808},           {"gpt2-medium", 354'823'168},
      {"gpt2-large", 774'030'080},     {"gpt2-xl", 1'557'611'200},
      {"distilgpt2", 81'912'576},      {"tinyllama-1.1b", 1'100'048'384},
      {"decoder_tiny", 50'904'064},    {"decoder_small", 151'862'784},
      {"decoder_medium", 454'166'528},
  };
  EXPECT_EQ(std::size(published), presets().size());
  for (const auto& [name, count] : published) {
    const DecoderConfig config = preset(name).config();
    EXPECT_EQ(parameters(family_of(config.family, "").layout(config)).total(), count) << name;
  }
}

TEST(Presets, HaveTheShapesOfTheirDescription) {
  const DecoderConfig tiny = preset("decoder_tiny").config();
  EXPECT_EQ(tiny.positions_max, 1024);
  EXPECT_EQ(tiny.layers.size(), 6u);
  EXPECT_EQ(tiny.layers[0].heads(), 8);
  EXPECT_EQ(tiny.d_model, 512);
  EXPECT_EQ(tiny.layers[0].ffn_width, 2048);
  EXPECT_EQ(tiny.vocab, 50257);
  EXPECT_TRUE(tiny.tied_head && tiny.gated_ffn);
  EXPECT_EQ(preset("decoder_small").config().positions_max, 2048);
  EXPECT_EQ(preset("decoder_medium").config().positions_max, 4096);
  EXPECT_EQ(preset("tinyllama-1.1b").config().layers[0].kv_heads, 4);
  EXPECT_FALSE(preset("tinyllama-1.1b").config().tied_head);
  EXPECT_EQ(preset("gpt2-xl").config().layers[0].heads(), 25);
}

TEST(Presets, AreModelsThatTheirFamilyWritesAndReads) {
  for (const Preset& known : presets()) {
    const DecoderConfig config = known.config();
    const Family& family = family_of(config.family, "");
    EXPECT_EQ(family.read(family.write(config), known.name), config) << known.name;
  }
}

TEST(Presets, AreListedWhereANameIsUnknown) {
  EXPECT_EQ(message_of([] { preset("gpt2-meduim"); }),
            "preset: expected one of gpt2, gpt2-medium, gpt2-large, gpt2-xl, distilgpt2, "
            "tinyllama-1.1b, decoder_tiny, decoder_small, decoder_medium, found 'gpt2-meduim' "
            "(did you mean 'gpt2-medium'?)");
}

TEST(Config, NamesItsChoices) {
  EXPECT_STREQ(name_of(NormKind::layer_norm), "layer_norm");
  EXPECT_STREQ(name_of(NormKind::rms_norm), "rms_norm");
  EXPECT_STREQ(name_of(PositionKind::learned), "learned");
  EXPECT_STREQ(name_of(PositionKind::rotary), "rotary");
  EXPECT_STREQ(name_of(Activation::relu), "relu");
  EXPECT_STREQ(name_of(Activation::gelu), "gelu");
  EXPECT_STREQ(name_of(Activation::gelu_tanh), "gelu_tanh");
  EXPECT_STREQ(name_of(Activation::silu), "silu");
  EXPECT_STREQ(name_of(Rotary::Scaling::none), "none");
  EXPECT_STREQ(name_of(Rotary::Scaling::linear), "linear");
  EXPECT_STREQ(name_of(Rotary::Scaling::llama3), "llama3");
}

}  // namespace
}  // namespace crescent
