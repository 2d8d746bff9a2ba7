#pragma once
#include <cstdint>

namespace crescent::kernels {

/// How a matrix's numbers are stored. What is computed with them is fp32 everywhere.
///
///   fp32          as they are
///   bf16          the upper half of an fp32, rounded to nearest even
///   int8          w = scale[row] * q, q in -127 .. 127
///   int8_grouped  groups of 32 along K: w = scale * q, q in -127 .. 127; 8.5 bits a weight
///   int4          groups of 32 along K: w = scale * q + minimum, q in 0 .. 15; 5 bits a weight
enum class Width { fp32, bf16, int8, int8_grouped, int4 };
const char* name_of(Width);

constexpr int64_t kGroup = 32;  ///< inputs that share a scale; the last group of a row is padded

/// A matrix (N, K) where it lies. A row, with G = ceil(K / 32) groups:
///
///   fp32          K floats
///   bf16          K halves of floats
///   int8          32 G bytes q
///   int8_grouped  32 G bytes q, then G fp16 scales
///   int4          16 G bytes q, then G fp16 scales, then G fp16 minimums; input 8 i + j of a group
///                 is the i-th four bits, from the lowest, of the j-th of its 16-bit words
struct Stored {
  const void* data = nullptr;  ///< at any address that such a number may have
  Width width = Width::fp32;
  int64_t stride = 0;             ///< bytes from row to row
  const float* scales = nullptr;  ///< (N), int8 only
};

/// Rows of floats, `stride` floats apart.
constexpr Stored stored(const float* rows, int64_t stride) {
  return {.data = rows, .stride = stride * int64_t{sizeof(float)}};
}
/// That without its first rows.
constexpr Stored from_row(Stored w, int64_t row) {
  w.data = static_cast<const char*>(w.data) + row * w.stride;
  if (w.scales) w.scales += row;
  return w;
}

/// Of a row, with what pads it: for the narrow widths a multiple of 16.
int64_t row_bytes(Width width, int64_t inputs);

/// What storing a row loses: sums over its inputs of importance * square.
struct WeightedError {
  double plain = 0;   ///< with the scales that are taken where no importance is given
  double chosen = 0;  ///< with those that were taken: never more
  double whole = 0;   ///< squares of the numbers themselves
};

/// Where a narrower copy comes from and where it goes.
struct Quantization {
  const float* from = nullptr;  ///< (N, K)
  int64_t from_stride = 0;      ///< floats
  int64_t inputs = 0;           ///< K
  Width width = Width::fp32;
  void* to = nullptr;       ///< (N) rows as Stored has them
  int64_t to_stride = 0;    ///< bytes
  float* scales = nullptr;  ///< (N), int8 only
  /// (K) >= 0: what a squared error of each input weighs; null: see below. For widths with scales.
  const float* importance = nullptr;
  WeightedError* errors = nullptr;  ///< (N) what that gained; null: nobody asks
};

/// Stores rows `begin` .. `end`. Plain code, the same bits on every machine; without importances
/// no number is further from its stored one than half a scale (int8*, int4) or half a bf16.
///
/// A scale is the greatest |w| of the row or group / 127 (int8*) or its (greatest w - minimum) / 15
/// (int4). It is rounded to 16 bits (int8) or to fp16, to nearest even or, where that would clip
/// the outermost number by more than half a scale, upwards (as happens among fp16's denormals); a
/// minimum is rounded downwards. So scale * q is exact. With importances, a scale (and minimum)
/// that is as short is taken in place of it where the row's or group's sum of importance * squared
/// error is smaller: see scales.h. A row or group of zeros is stored exactly. A row of int8 with no
/// |w| over 1.5e-36 becomes zeros. A row (int8) or group (int8_grouped, int4) with a number that is
/// not finite, or too large for an fp16 scale (|w| > 8.3e6) or minimum (|w| > 65504), becomes NaN
/// as a whole: wrong numbers would go unseen. In bf16, infinity and NaN stay, and what is
/// over 3.39e38 becomes infinite.
void quantize(const Quantization& job, int64_t begin, int64_t end);

/// Row `row` of a matrix with `inputs` columns as floats: what the kernels compute with, to the
/// bit.
void dequantize(const Stored& from, int64_t inputs, int64_t row, float* to);

/// IEEE half precision, to nearest even: infinite from 65520 on, with denormals.
uint16_t half_of(float x);
float float_of_half(uint16_t half);  ///< exact

}  // namespace crescent::kernels
