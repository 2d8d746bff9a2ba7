#include "engine/kernels/scales.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace crescent::kernels {
namespace {

/// The q of a width, and how exact its scales are.
struct Steps {
  float least, most;
  bool has_minimum;
  bool is_half;  ///< else 16 bits of a float
};

Steps steps_of(Width width) {
  if (width == Width::int4) return {0, 15, true, true};
  return {-127, 127, false, width == Width::int8_grouped};
}

template <class T>
using BlockOf = std::array<T, kGroup>;
using Block = BlockOf<float>;

/// In pairs, the same everywhere; loops over lanes vectorise where one running sum can't.
template <class T>
T sum_of(const BlockOf<T>& x) {
  std::array<T, 4> sums;
  for (size_t i = 0; i < 4; ++i)
    sums[i] = ((x[i] + x[i + 16]) + (x[i + 8] + x[i + 24])) +
              ((x[i + 4] + x[i + 20]) + (x[i + 12] + x[i + 28]));
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}
static_assert(kGroup == 32);

/// use(x, importance) for every 32 numbers; what fills up the last ones weighs nothing.
template <class Use>
void for_each_block(const Weighed& numbers, Use use) {
  const int64_t whole = numbers.count / kGroup * kGroup;
  for (int64_t at = 0; at < whole; at += kGroup) use(numbers.x + at, numbers.importance + at);
  if (whole == numbers.count) return;
  Block x{}, importance{};
  std::copy(numbers.x + whole, numbers.x + numbers.count, x.begin());
  std::copy(numbers.importance + whole, numbers.importance + numbers.count, importance.begin());
  use(x.data(), importance.data());
}

constexpr float kShift = 12582912.0f;  ///< rounds as `nearest` does, and leaves a float

/// q of x as a float: a multiplication in place of the division, for speed.
struct Rounding {
  float minimum, per_step, least, most;
  float operator()(float x) const {
    float q = (x - minimum) * per_step;
    q = q > least ? q : least;
    q = q < most ? q : most;
    return q + kShift - kShift;
  }
};

Rounding rounding(const Steps& steps, Scale scale) {
  return {scale.minimum, 1 / scale.scale, steps.least, steps.most};
}

/// Weighted squares of what is lost, near enough to tell candidates apart.
double roughly_lost(const Steps& steps, const Weighed& numbers, Scale scale) {
  const Rounding q_of = rounding(steps, scale);
  double sum = 0;
  for_each_block(numbers, [&](const float* x, const float* importance) {
    Block squares;
    for (size_t i = 0; i < squares.size(); ++i) {
      const float lost = x[i] - (scale.scale * q_of(x[i]) + scale.minimum);
      squares[i] = importance[i] * lost * lost;
    }
    sum += sum_of(squares);
  });
  return sum;
}

/// The same with what is stored and read back, to the bit; all of it, if the scale is 0.
double lost(const Steps& steps, const Weighed& numbers, Scale scale) {
  const float step = scale.scale > 0 ? scale.scale : std::numeric_limits<float>::infinity();
  double sum = 0;
  for_each_block(numbers, [&](const float* x, const float* importance) {
    BlockOf<double> squares;
    for (size_t i = 0; i < squares.size(); ++i) {
      float q = (x[i] - scale.minimum) / step;
      q = q > steps.least ? q : steps.least;
      q = q < steps.most ? q : steps.most;
      q = q + kShift - kShift;
      const double off = double{x[i]} - (scale.scale * q + scale.minimum);
      squares[i] = importance[i] * off * off;
    }
    sum += sum_of(squares);
  });
  return sum;
}

/// Rounds as `quantize` does; a scale of 0 where that leaves none.
Scale stored(const Steps& steps, double scale, double minimum) {
  const auto rounded = [&](double x) {
    const auto narrow = static_cast<float>(x);
    if (steps.is_half) return float_of_half(half_of(narrow));
    return std::bit_cast<float>((std::bit_cast<uint32_t>(narrow) + 0x80) & ~0xffu);
  };
  const Scale made{rounded(scale), steps.has_minimum ? rounded(minimum) : 0};
  const bool is_usable = made.scale >= std::numeric_limits<float>::min() &&
                         std::isfinite(made.scale) && std::isfinite(made.minimum);
  return is_usable ? made : Scale{};
}

/// Where the weighted squares are least if every number keeps its q.
Scale fitted(const Steps& steps, const Weighed& numbers, Scale scale) {
  const Rounding q_of = rounding(steps, scale);
  double h = 0, hq = 0, hqq = 0, hx = 0, hxq = 0;  // sums; h: importance
  for_each_block(numbers, [&](const float* x, const float* importance) {
    Block ones, q1, q2, x1, xq;
    for (size_t i = 0; i < q1.size(); ++i) {
      const float q = q_of(x[i]);
      ones[i] = importance[i];
      q1[i] = importance[i] * q;
      q2[i] = importance[i] * q * q;
      x1[i] = importance[i] * x[i];
      xq[i] = importance[i] * x[i] * q;
    }
    hqq += sum_of(q2);
    hxq += sum_of(xq);
    if (!steps.has_minimum) return;
    h += sum_of(ones);
    hq += sum_of(q1);
    hx += sum_of(x1);
  });
  if (!steps.has_minimum) return hqq > 0 ? stored(steps, hxq / hqq, 0) : Scale{};
  const double determinant = h * hqq - hq * hq;
  if (!(determinant > 0)) return {};
  return stored(steps, (h * hxq - hx * hq) / determinant, (hqq * hx - hq * hxq) / determinant);
}

struct Candidate {
  double lost = 0;
  Scale scale = {};
};

/// 25 ranges of int4: each end is clipped by up to 4 kClip of the whole. 13 of int8, whose range
/// has one end. Twice as many find 1 to 2 % more of what can be gained, in twice the time.
constexpr float kClip = 0.04f;
constexpr int kClips = 5, kClipsOfOneEnd = 13;

/// The `kBest` candidates that lose least, the first one first. Nothing more is fitted: the third
/// still gains 1 to 2 %, further ones less than 1.
constexpr size_t kBest = 3;
constexpr int kFits = 3;

class Best {
 public:
  void add(const Candidate& candidate) {
    if (count_ == kBest && !(candidate.lost < all_[kBest - 1].lost)) return;
    if (count_ < kBest) ++count_;
    size_t at = count_ - 1;
    for (; at > 0 && candidate.lost < all_[at - 1].lost; --at) all_[at] = all_[at - 1];
    all_[at] = candidate;
  }
  const Candidate* begin() const { return all_.data(); }
  const Candidate* end() const { return all_.data() + count_; }

 private:
  std::array<Candidate, kBest> all_;
  size_t count_ = 0;
};

Best clipped(const Steps& steps, const Weighed& numbers, Scale plain) {
  Best best;
  const auto add = [&](Scale scale) {
    if (scale.scale > 0) best.add({roughly_lost(steps, numbers, scale), scale});
  };
  add(plain);
  if (!steps.has_minimum) {
    for (int clip = 1; clip < kClipsOfOneEnd; ++clip)
      add(stored(steps, plain.scale * (1 - kClip * static_cast<float>(clip)), 0));
    return best;
  }
  const float range = plain.scale * steps.most;
  for (int low = 0; low < kClips; ++low)
    for (int high = 0; high < kClips; ++high) {
      if (low == 0 && high == 0) continue;
      const float kept = 1 - kClip * static_cast<float>(low + high);
      add(stored(steps, plain.scale * kept,
                 plain.minimum + kClip * static_cast<float>(low) * range));
    }
  return best;
}

}  // namespace

Scale choose_scale(Width width, const Weighed& numbers, Scale plain, WeightedError& error) {
  const Steps steps = steps_of(width);
  const double plainly_lost = lost(steps, numbers, plain);
  error.whole += lost(steps, numbers, {});
  error.plain += plainly_lost;
  Candidate best{plainly_lost, plain};
  if (plain.scale > 0 && plainly_lost > 0) {
    const Best candidates = clipped(steps, numbers, plain);
    Candidate rough = *candidates.begin();
    for (Candidate candidate : candidates) {
      for (int fit = 0; fit < kFits; ++fit) {
        const Scale moved = fitted(steps, numbers, candidate.scale);
        const bool is_new =
            moved.scale != candidate.scale.scale || moved.minimum != candidate.scale.minimum;
        if (!(moved.scale > 0) || !is_new) break;
        candidate = {roughly_lost(steps, numbers, moved), moved};
        if (candidate.lost < rough.lost) rough = candidate;
      }
    }
    rough.lost = lost(steps, numbers, rough.scale);
    if (rough.lost < best.lost) best = rough;
  }
  error.chosen += best.lost;
  return best.scale;
}

}  // namespace crescent::kernels
