// Philox4x32-10, and normals from it by Box and Muller's transform.
//
// The functions below are our own and use only float additions, multiplications, divisions and
// square roots, which IEEE 754 rounds in one way; this file is compiled without contraction to
// fused multiply-adds. So a seed gives the same weights on every machine, which the C library's
// logf and sincosf don't promise. They also vectorise: all loops run over kLanes with no branch.
#include "engine/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/error.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

constexpr int kLanes = 64;           // blocks made together; their state stays in the L1 cache
constexpr int kValues = 4 * kLanes;  // each block gives four values

// The two top bits of the block number keep apart what one (seed, stream) is used for.
constexpr uint64_t kNormalBlocks = uint64_t{1} << 63;
constexpr uint64_t kUniformBlocks = uint64_t{3} << 62;

struct Lanes {
  uint32_t word[4][kLanes];
};

/// One round for one lane. Multipliers and key increments: Salmon et al. 2011, table 2 and
/// philox.h of the Random123 library.
inline void philox_round(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3, uint32_t k0,
                         uint32_t k1) {
  const uint64_t p0 = uint64_t{0xD2511F53} * c0;
  const uint64_t p1 = uint64_t{0xCD9E8D57} * c2;
  c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
  c1 = static_cast<uint32_t>(p1);
  c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
  c3 = static_cast<uint32_t>(p0);
}

constexpr int kRounds = 10;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;

struct Source {
  uint64_t seed, stream;
};

/// The blocks first .. first + kLanes - 1.
void fill_lanes(Lanes& lanes, Source source, uint64_t first) {
  auto& c = lanes.word;
  for (int i = 0; i < kLanes; ++i) {
    const uint64_t block = first + static_cast<uint64_t>(i);
    c[0][i] = static_cast<uint32_t>(block);
    c[1][i] = static_cast<uint32_t>(block >> 32);
    c[2][i] = static_cast<uint32_t>(source.stream);
    c[3][i] = static_cast<uint32_t>(source.stream >> 32);
  }
  auto k0 = static_cast<uint32_t>(source.seed);
  auto k1 = static_cast<uint32_t>(source.seed >> 32);
  for (int round = 0; round < kRounds; ++round, k0 += kWeyl0, k1 += kWeyl1) {
    for (int i = 0; i < kLanes; ++i) philox_round(c[0][i], c[1][i], c[2][i], c[3][i], k0, k1);
  }
}

/// ln(x) for 2^-32 <= x <= 1, within 1 ulp: the polynomial of FreeBSD's e_logf.c.
inline float log_of(float x) {
  constexpr int32_t kSqrtHalf = 0x3F3504F3;  // bits of sqrt(1/2)
  const int32_t shifted = std::bit_cast<int32_t>(x) - kSqrtHalf;
  const auto exponent = static_cast<float>(shifted >> 23);
  const float f = std::bit_cast<float>((shifted & 0x7FFFFF) + kSqrtHalf) - 1.0f;
  const float s = f / (2.0f + f);
  const float z = s * s;
  const float w = z * z;
  const float odd = z * (0xaaaaaa.0p-24f + w * 0x91e9ee.0p-25f);
  const float even = w * (0xccce13.0p-25f + w * 0xf89e26.0p-26f);
  const float half = 0.5f * f * f;
  constexpr float kLn2High = 6.9313812256e-01f, kLn2Low = 9.0580006145e-06f;
  return s * (half + (odd + even)) + exponent * kLn2Low - half + f + exponent * kLn2High;
}

struct Pair {
  float first, second;
};

/// Two independent normals from 64 uniform bits. The radius uses 31 of them, so that no value is
/// larger than 6.66; the angle has two bits for its quadrant and 30 for the place in it.
/// Polynomials for sine and cosine within pi/4 of 0: sinf.c of the Cephes library.
inline Pair normals_of(uint32_t radius_bits, uint32_t angle_bits) {
  const float u = (static_cast<float>(static_cast<int32_t>(radius_bits >> 1)) + 0.5f) * 0x1p-31f;
  const float radius = std::sqrt(-2.0f * log_of(u));
  const auto place = static_cast<int32_t>(angle_bits & 0x3FFFFFFF) - 0x20000000;
  const float a = static_cast<float>(place) * (std::numbers::pi_v<float> / 2 * 0x1p-30f);
  const float z = a * a;
  const float sine =
      ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * a + a;
  const float cosine =
      ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z -
      0.5f * z + 1.0f;
  // Turned by the quadrant q: (c, s), (-s, c), (-c, -s), (s, -c), in bits so that no lane branches.
  const uint32_t odd = 0u - (angle_bits >> 30 & 1u);
  const uint32_t c = std::bit_cast<uint32_t>(cosine), s = std::bit_cast<uint32_t>(sine);
  const uint32_t x_sign = (angle_bits ^ angle_bits << 1) & 0x80000000u;
  const uint32_t y_sign = angle_bits & 0x80000000u;
  const uint32_t x = ((c & ~odd) | (s & odd)) ^ x_sign;
  const uint32_t y = ((s & ~odd) | (c & odd)) ^ y_sign;
  return {radius * std::bit_cast<float>(x), radius * std::bit_cast<float>(y)};
}

struct Normal {
  static constexpr uint64_t kBlocks = kNormalBlocks;
  float mean, deviation;

  void operator()(const Lanes& lanes, float* out) const {
    for (int i = 0; i < kLanes; ++i) {
      const Pair a = normals_of(lanes.word[0][i], lanes.word[1][i]);
      const Pair b = normals_of(lanes.word[2][i], lanes.word[3][i]);
      out[4 * i] = mean + deviation * a.first;
      out[4 * i + 1] = mean + deviation * a.second;
      out[4 * i + 2] = mean + deviation * b.first;
      out[4 * i + 3] = mean + deviation * b.second;
    }
  }
};

struct Uniform {
  static constexpr uint64_t kBlocks = kUniformBlocks;
  float low, width, below_high;

  void operator()(const Lanes& lanes, float* out) const {
    for (int i = 0; i < kLanes; ++i) {
      for (int j = 0; j < 4; ++j) {
        const auto bits = static_cast<int32_t>(lanes.word[j][i] >> 8);
        const float value = low + width * (static_cast<float>(bits) * 0x1p-24f);
        out[4 * i + j] = value < below_high ? value : below_high;  // rounding may reach `high`
      }
    }
  }
};

/// Fills out[begin ..] as far as `out` goes; `begin` is a multiple of kValues.
template <class Make>
void fill_from(std::span<float> out, size_t begin, size_t end, Source source, const Make& make) {
  Lanes lanes;
  for (size_t at = begin; at < end; at += kValues) {
    if (at % (size_t{kValues} << 10) == 0 && interrupt_requested.load(std::memory_order_relaxed))
      return;
    fill_lanes(lanes, source, Make::kBlocks | at / 4);
    if (end - at >= kValues) {
      make(lanes, &out[at]);
    } else {
      float rest[kValues];
      make(lanes, rest);
      std::copy_n(rest, end - at, &out[at]);
    }
  }
}

template <class Make>
void fill(std::span<float> out, Source source, const Make& make) {
  constexpr size_t kShareMin = size_t{1} << 19;  // about 5 ms of work, against 50 us for a thread
  const size_t shares = std::clamp<size_t>(std::thread::hardware_concurrency(), 1,
                                           std::max<size_t>(1, out.size() / kShareMin));
  const size_t share = (out.size() / shares / kValues + 1) * kValues;
  std::vector<std::jthread> helpers;
  size_t begin = 0;
  try {
    for (; begin + share < out.size(); begin += share) {
      helpers.emplace_back([=, &make] { fill_from(out, begin, begin + share, source, make); });
    }
  } catch (const std::system_error&) {
    // No more threads to be had: the caller's does the rest.
  }
  fill_from(out, begin, out.size(), source, make);
  helpers.clear();
  check_interrupt();
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  auto& [c0, c1, c2, c3] = counter;
  auto& [k0, k1] = key;
  for (int round = 0; round < kRounds; ++round, k0 += kWeyl0, k1 += kWeyl1) {
    philox_round(c0, c1, c2, c3, k0, k1);
  }
  return counter;
}

uint32_t Random::bits() {
  if (left_ == 0) {
    const std::array<uint32_t, 4> counter = {
        static_cast<uint32_t>(counter_), static_cast<uint32_t>(counter_ >> 32),
        static_cast<uint32_t>(stream_), static_cast<uint32_t>(stream_ >> 32)};
    block_ =
        philox4x32(counter, {static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)});
    ++counter_;
    left_ = 4;
  }
  return block_[static_cast<size_t>(4 - left_--)];
}

double Random::uniform() {
  const uint64_t high = bits() >> 5;  // 27 bits
  const uint64_t low = bits() >> 6;   // 26 bits
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

/// Lemire 2019, "Fast Random Integer Generation in an Interval", arXiv:1805.10941, algorithm 5.
uint64_t Random::below(uint64_t n) {
  if (n == 0) fail("a random number below 0: expected at least 1");
  const auto draw = [this] {
    const uint64_t high = bits();
    return static_cast<unsigned __int128>(high << 32 | bits());
  };
  unsigned __int128 product = draw() * n;
  if (static_cast<uint64_t>(product) < n) {
    const uint64_t refused = -n % n;  // 2^64 mod n
    while (static_cast<uint64_t>(product) < refused) product = draw() * n;
  }
  return static_cast<uint64_t>(product >> 64);
}

double Random::normal() {
  const uint32_t radius = bits();
  return normals_of(radius, bits()).first;
}

void Random::fill_normal(std::span<float> out, uint64_t seed, uint64_t stream, float mean,
                         float deviation) {
  fill(out, {seed, stream}, Normal{mean, deviation});
}

void Random::fill_uniform(std::span<float> out, uint64_t seed, uint64_t stream, float low,
                          float high) {
  if (!(low < high) || !std::isfinite(high - low)) {
    fail("uniform numbers: expected low < high and a finite range, got {} and {}", low, high);
  }
  fill(out, {seed, stream}, Uniform{low, high - low, std::nextafter(high, low)});
}

}  // namespace crescent
