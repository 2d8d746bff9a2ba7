#pragma once
// What the ways to multiply many rows have in common. Included by many_kernel.cpp and them only.
#include "engine/kernels/tile.h"
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {

/// Sums that wait for the next block of K: 384 KiB. The fewer the rows, the more outs have room,
/// and the less often x is laid out.
constexpr int64_t kManySums = 256 * 384;
/// Outs of a block are a multiple of it, or all that there are.
constexpr int64_t kOutsTogether = 96;

/// Rows of w that are to be read next, asked for a line at a time: a panel's rows are too short to
/// be seen as streams.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const Stored& w, int64_t rows, int64_t from_byte, int64_t bytes)
      : place_(static_cast<const char*>(w.data) + from_byte),
        stride_(w.stride),
        rows_(rows),
        lines_((bytes + kLine - 1) / kLine) {}
  CRESCENT_INLINE void ask(int64_t lines) {
    for (; lines > 0 && rows_ > 0; --lines) {
      __builtin_prefetch(place_ + line_ * kLine, 0, 2);
      if (++line_ < lines_) continue;
      line_ = 0;
      --rows_;
      place_ += stride_;
    }
  }
  int64_t lines() const { return rows_ * lines_; }

 private:
  static constexpr int64_t kLine = 64;
  const char* place_ = nullptr;
  int64_t stride_ = 0, rows_ = 0, lines_ = 0, line_ = 0;
};

/// Outs of one matrix from `w` on, all of a block of rows and a block of K.
template <class Number>
struct Product {
  const Number* x;  ///< laid out
  int64_t rows;
  Stored w;
  int64_t outs, inputs;  ///< N of the block; K, all of it
  float* sums;

  /// What a block of K has of `count` outs from `n` on, or of those that there are.
  template <Width kWidth>
  Ahead ahead(int64_t n, int64_t count, const Block& block) const {
    return {from_row(w, n), greater_of(0, less_of(count, outs - n)),
            block.begin / kGroup * group_bytes(kWidth),
            (block.count + kGroup - 1) / kGroup * group_bytes(kWidth)};
  }
};

}  // namespace crescent::kernels::CRESCENT_ISA
