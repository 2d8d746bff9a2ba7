#include "profiler/span_codec.h"

#include <limits>

#include "engine/error.h"

namespace crescent {
namespace {

constexpr uint8_t kCut = 1 << 2, kLayerFollows = 1 << 3;
constexpr uint8_t kLongId = 15;
constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMostNs = uint64_t{1} << 62;  // 146 years

void put_varint(std::string& bytes, uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  bytes += static_cast<char>(value);
}

/// Reads what SpanPacker writes, out of bytes that may be anything.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool at_end() const { return at_ == bytes_.size(); }

  Span next() {
    begin_ = at_;
    Span span;
    const uint8_t head = byte();
    span.kind = static_cast<SpanKind>(head & 3);
    span.cut = head & kCut;
    span.id = head >> 4 == kLongId ? byte() : static_cast<uint8_t>(head >> 4);
    if (span.kind == SpanKind::section && span.id >= kSections) refuse("an unknown section");
    if (span.kind == SpanKind::site && span.id >= kSites) refuse("an unknown site");
    if (head & kLayerFollows) layer_ = static_cast<int16_t>(varint(0x8000) - 1);
    span.layer = layer_;
    const uint64_t step = varint(kAny), duration = varint(kMostNs);
    const bool is_parent = step & 1;
    const uint64_t end = static_cast<uint64_t>(end_ns_) + step / 2 + (is_parent ? 0 : duration);
    if (step / 2 > kMostNs || end > kMostNs || duration > end) refuse("a time out of range");
    end_ns_ = span.end_ns = static_cast<int64_t>(end);
    span.begin_ns = static_cast<int64_t>(end - duration);
    if (span.kind == SpanKind::section) {
      constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int32_t>::max());
      for (int32_t* part : {&span.size.tokens, &span.size.past, &span.size.logits})
        *part = static_cast<int32_t>(varint(kMost));
    }
    return span;
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    fail("packed spans: {} in the one at byte {} of {}", what, begin_, bytes_.size());
  }

  uint8_t byte() {
    if (at_end()) refuse("the end");
    return static_cast<uint8_t>(bytes_[at_++]);
  }

  uint64_t varint(uint64_t most) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t next = byte();
      const uint64_t bits = next & 0x7f;
      if (shift == 63 && bits > 1) break;
      value |= bits << shift;
      if (next & 0x80) continue;
      if (value > most) break;
      return value;
    }
    refuse("a number out of range");
  }

  std::string_view bytes_;
  size_t at_ = 0, begin_ = 0;
  int64_t end_ns_ = 0;
  int16_t layer_ = -1;
};

}  // namespace

void SpanPacker::add(const Span& span) {
  uint8_t head = static_cast<uint8_t>(span.kind);
  if (span.cut) head |= kCut;
  if (span.layer != last_layer_) head |= kLayerFollows;
  const bool is_long = span.id >= kLongId;
  bytes_ += static_cast<char>(head | (is_long ? kLongId : span.id) << 4);
  if (is_long) bytes_ += static_cast<char>(span.id);
  if (span.layer != last_layer_) put_varint(bytes_, static_cast<uint64_t>(span.layer + 1));
  const int64_t gap = span.begin_ns - last_end_ns_;
  put_varint(bytes_, gap >= 0 ? static_cast<uint64_t>(gap) * 2
                              : static_cast<uint64_t>(span.end_ns - last_end_ns_) * 2 + 1);
  put_varint(bytes_, static_cast<uint64_t>(span.duration_ns()));
  if (span.kind == SpanKind::section) {
    for (const int32_t part : {span.size.tokens, span.size.past, span.size.logits})
      put_varint(bytes_, static_cast<uint64_t>(part));
  }
  last_end_ns_ = span.end_ns;
  last_layer_ = span.layer;
}

std::string pack_spans(std::span<const Span> spans) {
  SpanPacker packer;
  for (const Span& span : spans) packer.add(span);
  return packer.bytes();
}

std::vector<Span> unpack_spans(std::string_view bytes) {
  std::vector<Span> spans;
  for (Reader reader(bytes); !reader.at_end();) spans.push_back(reader.next());
  return spans;
}

}  // namespace crescent
