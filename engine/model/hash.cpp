#include "engine/model/hash.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "engine/interrupt.h"

// The hash of a model is taken over
//
//   1. the text of `describe(config)`
//   2. for each tensor of the layout, in its order: "NAME DTYPE [SHAPE]", NAME without prefix, then
//      the hash of its bytes
//
// Bytes are hashed in chunks of 1 MiB, by all threads; a chunk's hash depends on its bytes and its
// length, the tensor's hash on the sequence of its chunks' hashes. Inside a chunk four lanes of
// 64-bit words, because one multiplication waits 3 to 5 cycles for the one before it and memory
// delivers faster than that.

namespace crescent {
namespace {

constexpr uint64_t kPrime = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio, odd
constexpr int64_t kChunk = 1 << 20;

/// Every bit of the result depends on every bit of `h`: the finaliser of MurmurHash3 (public
/// domain).
uint64_t mix(uint64_t h) {
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCD;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53;
  return h ^ (h >> 33);
}

uint64_t combine(uint64_t h, uint64_t next) { return mix((h ^ next) * kPrime + 1); }

uint64_t hash_chunk(const std::byte* data, size_t bytes) {
  std::array<uint64_t, 4> lanes{1, 2, 3, 4};
  const auto absorb = [&](const std::byte* block) {
    std::array<uint64_t, 4> words;
    std::memcpy(words.data(), block, sizeof words);
    for (size_t i = 0; i < 4; ++i) {
      const uint64_t h = (lanes[i] ^ words[i]) * kPrime;
      lanes[i] = h ^ (h >> 32);
    }
  };
  size_t at = 0;
  for (; at + 32 <= bytes; at += 32) absorb(data + at);
  if (at < bytes) {
    std::array<std::byte, 32> rest{};
    std::memcpy(rest.data(), data + at, bytes - at);
    absorb(rest.data());
  }
  uint64_t h = bytes;
  for (const uint64_t lane : lanes) h = combine(h, lane);
  return h;
}

uint64_t hash_bytes(std::span<const std::byte> data) {
  const int64_t chunks = (static_cast<int64_t>(data.size()) + kChunk - 1) / kChunk;
  std::vector<uint64_t> hashes(static_cast<size_t>(chunks));
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      const size_t start = static_cast<size_t>(c * kChunk);
      const size_t length = std::min<size_t>(kChunk, data.size() - start);
      hashes[static_cast<size_t>(c)] = hash_chunk(data.data() + start, length);
    }
  });
  uint64_t h = data.size();
  for (const uint64_t chunk : hashes) h = combine(h, chunk);
  return h;
}

uint64_t hash_text(std::string_view text) { return hash_bytes(std::as_bytes(std::span(text))); }

std::string list(std::span<const int32_t> numbers) {
  std::string text;
  for (const int32_t n : numbers) text += fmt::format("{}{}", text.empty() ? "" : ",", n);
  return text;
}

/// Where a layer came from doesn't count, so every layer is described as a whole one. The field
/// stays because stored runs name their models by the hash of this text.
std::vector<int32_t> heads_of_a_whole_layer(const LayerSpec& layer) {
  std::vector<int32_t> heads(layer.kv_of_head.size());
  std::iota(heads.begin(), heads.end(), 0);
  return heads;
}

}  // namespace

std::string describe(const DecoderConfig& c) {
  std::string text = fmt::format(
      "family={} vocab={} d_model={} positions_max={} norm={} norm_eps={} positions={}", c.family,
      c.vocab, c.d_model, c.positions_max, name_of(c.norm), c.norm_eps, name_of(c.positions));
  if (c.positions == PositionKind::rotary) {
    const Rotary& r = c.rotary;
    text += fmt::format(" rotary(theta={} scaling={}", r.theta, name_of(r.scaling));
    if (r.scaling != Rotary::Scaling::none) text += fmt::format(" factor={}", r.factor);
    if (r.scaling == Rotary::Scaling::llama3) {
      text += fmt::format(" low={} high={} original={}", r.low_freq_factor, r.high_freq_factor,
                          r.original_positions);
    }
    text += ")";
  }
  text += fmt::format(
      " activation={} gated_ffn={} qkv_bias={} attention_output_bias={} ffn_bias={} tied_head={}",
      name_of(c.activation), c.gated_ffn, c.qkv_bias, c.attention_output_bias, c.ffn_bias,
      c.tied_head);
  for (const LayerSpec& l : c.layers) {
    text += fmt::format(
        " layer(head_dim={} kv_heads={} kv_of_head={} scale={} ffn_width={} attention={} ffn={} "
        "original_heads={})",
        l.head_dim, l.kv_heads, list(l.kv_of_head), l.attention_scale, l.ffn_width, l.has_attention,
        l.has_ffn, list(heads_of_a_whole_layer(l)));
  }
  return text;
}

std::string hash_ids(std::span<const int32_t> ids) {
  return fmt::format("{:016x}", hash_bytes(std::as_bytes(ids)));
}

std::string hash_model(const DecoderConfig& config, const Layout& layout, const Weights& stored) {
  uint64_t h = hash_text(describe(config));
  for (const TensorSpec& spec : layout) {
    check_interrupt();
    const at::Tensor tensor = stored.at(spec).contiguous();
    h = combine(h, hash_text(fmt::format("{} {} [{}]", spec.name, name_of(dtype_of(tensor)),
                                         fmt::join(spec.shape, ", "))));
    h = combine(h, hash_bytes({static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}));
  }
  return fmt::format("{:016x}", h);
}

}  // namespace crescent
