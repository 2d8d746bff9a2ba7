#pragma once
#include <cstdint>

#include "engine/kernels/stored.h"

namespace crescent::kernels {

/// Queries of a call up to which keys and values are read as they lie; more are multiplied as outer
/// products of blocks that are turned first.
constexpr int64_t kFewQueries = 8;

/// Causal softmax attention of one query head: decode is one query, prefill many. Query i stands at
/// position p = first_position + i and sees keys max(0, p + 1 - window) .. p:
///   s[j] = scale * q[i].k[j] + slope * (j - p),   y[i] = sum_j softmax(s)[j] v[j]
/// Queries and results are fp32, rows `..._stride` floats apart. Keys and values lie in caches
/// [kv_head][position][D] or in rows of a fused qkv product, as fp32, bf16 or int8 with a scale for
/// each position. Of the scores 3072 are stored at a time, never T x T: the softmax runs with a
/// running maximum. Milakov & Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135.
///
/// Guaranteed bit-identical: y[i] depends on nothing but q[i], its position, the keys and values
/// that it sees, the instruction set and whether the call's queries are few or many: not on which
/// others there are (as long as what they see is finite), on tiles, threads or the cache.
/// (Keys are taken in blocks that begin at multiples of 64.) Nor on how wide keys and values are:
/// y is what it is with the floats that they stand for (`dequantize`) in their place. Rows of k and
/// v that no query of the call sees are not read.
struct Attention {
  const float* q = nullptr;  ///< (queries, D)
  int64_t q_stride = 0;
  Stored k;            ///< (positions, D)
  Stored v;            ///< (positions, D), as wide as k
  float* y = nullptr;  ///< (queries, D); must not overlap q, k or v
  int64_t y_stride = 0;
  int64_t head_dim = 0;        ///< D
  int64_t first_position = 0;  ///< of query 0
  float scale = 1;
  float slope = 0;     ///< ALiBi, 0 without. Press et al. 2021, arXiv:2108.12409.
  int64_t window = 0;  ///< keys that a query sees at most, itself included; 0: all
  /// (queries, positions) or null: softmax(s), 0 where masked. For who watches.
  float* probabilities = nullptr;
  int64_t probabilities_width = 0;  ///< positions of a row, at least those that a query sees
  int64_t probabilities_stride = 0;
};

/// Queries of one call that share what they load and lay out: a grain for splitting long prompts.
constexpr int64_t kQueriesGrain = 192;

}  // namespace crescent::kernels
