#include "profiler/span_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "engine/error.h"

namespace crescent {
namespace {

std::string refusal(std::string_view bytes) {
  try {
    unpack_spans(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// One decode step of `layers` layers as the level-1 pass announces it.
std::vector<Span> decode_step(int layers, int64_t start_ns) {
  std::vector<Span> spans;
  int64_t now = start_ns;
  const auto put = [&](Site site, int layer, int64_t ns) {
    spans.push_back(
        {now, now + ns, SpanKind::site, static_cast<uint8_t>(site), static_cast<int16_t>(layer)});
    now += ns + 90;
  };
  for (int layer = 0; layer < layers; ++layer) {
    const int64_t begin = now;
    for (Site site : {Site::attention_norm, Site::qkv, Site::attention, Site::attention_output,
                      Site::attention_residual, Site::ffn_norm, Site::ffn_up, Site::ffn_activation,
                      Site::ffn_down, Site::ffn_residual})
      put(site, layer, 200'000);
    spans.push_back({begin, now, SpanKind::site, static_cast<uint8_t>(Site::block),
                     static_cast<int16_t>(layer)});
  }
  put(Site::head, -1, 5'000'000);
  spans.push_back({start_ns,
                   now,
                   SpanKind::section,
                   static_cast<uint8_t>(Section::decode),
                   -1,
                   false,
                   {1, 100, 1}});
  return spans;
}

TEST(SpanCodec, GivesBackWhatItPacked) {
  std::vector<Span> spans = decode_step(3, 1'000);
  spans[4].cut = true;
  spans.push_back({0, int64_t{1} << 60, SpanKind::window, 200, -1, true});
  EXPECT_EQ(unpack_spans(pack_spans(spans)), spans);
  EXPECT_TRUE(unpack_spans("").empty());
}

TEST(SpanCodec, ADecodeStepOfTwelveLayersTakesLessThanAKilobyte) {
  EXPECT_LT(pack_spans(decode_step(12, 0)).size(), 900u);
}

TEST(SpanCodec, RefusesWhatIsNoStream) {
  const std::string bytes = pack_spans(decode_step(1, 0));
  // The last one takes 10 bytes: a head, a layer, 1 + 4 of time, 1 + 1 + 1 of size.
  EXPECT_EQ(refusal(bytes.substr(0, bytes.size() - 1)),
            fmt::format("packed spans: the end in the one at byte {} of {}", bytes.size() - 10,
                        bytes.size() - 1));
  EXPECT_EQ(refusal(std::string("\xf2\x7f", 2)),
            "packed spans: an unknown site in the one at byte 0 of 2");
  EXPECT_EQ(refusal(std::string("\x71\x00\x00", 3)),
            "packed spans: an unknown section in the one at byte 0 of 3");
  // Longer than the time that has passed.
  EXPECT_EQ(refusal(std::string("\x32\x05\x06", 3)),
            "packed spans: a time out of range in the one at byte 0 of 3");
  EXPECT_EQ(refusal(std::string(12, '\xff')),
            "packed spans: a number out of range in the one at byte 0 of 12");
}

TEST(SpanCodec, RandomBytesAreReadOrRefusedButNeverMore) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    try {
      for (const Span& span : unpack_spans(bytes)) {
        ASSERT_GE(span.begin_ns, 0);
        ASSERT_LE(span.begin_ns, span.end_ns);
      }
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace crescent
