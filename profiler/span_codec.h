#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profiler/spans.h"

namespace crescent {

// Packed spans, as the store keeps them (column trials.spans): spans one after another in the order
// of their ends, each
//
//   byte     bits 0-1 kind, bit 2 cut, bit 3 a layer follows, bits 4-7 the id if below 15, else 15
//   [byte]   the id, where bits 4-7 are 15
//   [varint] layer + 1, where bit 3 is set; else the layer is that of the span before (first: -1)
//   varint   2 * (its begin - the end of the span before), in ns, where that isn't negative (the
//            first one's from 0); for a parent 1 + 2 * (its end - the end of the span before)
//   varint   its duration in ns
//   [varint varint varint]  tokens, past and logits, of a section
//
// A varint is little-endian base 128, 7 bits a byte, the top bit set where more follow. A decode
// step of 12 layers with its components takes about 0.8 KB.

/// Packs a stream of spans piece by piece.
class SpanPacker {
 public:
  /// `span` must not end before the one before it.
  void add(const Span& span);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  int64_t last_end_ns_ = 0;
  int16_t last_layer_ = -1;
};

std::string pack_spans(std::span<const Span> spans);
/// @throws Error naming the byte where `bytes` is not such a stream: cut off, an unknown section or
/// site, a time out of range.
std::vector<Span> unpack_spans(std::string_view bytes);

}  // namespace crescent
