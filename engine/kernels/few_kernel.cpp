// y = f(x w^T + bias) of few rows: see matmul.h. Compiled once per instruction set.
//
// They wait for memory: w is read once, as it lies, in a few long streams (few.h).
#include "engine/kernels/epilogue.h"
#include "engine/kernels/few.h"
#include "engine/kernels/parts.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

/// (rows, `inputs` of K), rows `to_stride` apart. Where rows lie a multiple of 4 KiB apart, as
/// those of 3072 floats do, seven of them would fill the eight ways of the same sets of the first
/// cache.
void pack(const float* from, int64_t stride, int64_t rows, int64_t inputs, float* to,
          int64_t to_stride) {
  for (int64_t m = 0; m < rows; ++m, from += stride, to += to_stride) {
    int64_t k = 0;
    for (; k + kLanes <= inputs; k += kLanes) store(to + k, load(from + k));
    for (; k < inputs; ++k) to[k] = from[k];
  }
}

/// Few rows of x, laid out as the weights at hand want them.
class FewPanel {
 public:
  FewPanel(const float* x, int64_t stride, int64_t rows) : x_(x), stride_(stride), rows_(rows) {}

  /// Inputs `begin` .. `end`, at most kInputs of them.
  FewRows lay_out(const Matmul& job, const Stored& w, int64_t begin, int64_t end) {
    const Layout layout = !is_integer(w.width)     ? Layout::floats
                          : w.width == Width::int4 ? Layout::side_by_side
                                                   : Layout::integers;
    if (layout != layout_ || begin != begin_) {
      for (int64_t k = begin; k < end; k += kInputsBlock)
        lay_out_block(layout, k, less_of(kInputsBlock, end - k), (k - begin) / kInputsBlock);
      layout_ = layout;
      begin_ = begin;
    }
    const float* const floats = rows_ > 1 ? floats_ : x_ + begin;
    return {floats, integers_, w, job.inputs, begin, end, nullptr, 0};
  }
  static constexpr int64_t kInputs = kPanelBlocks * kInputsBlock;

 private:
  enum class Layout { none, floats, integers, side_by_side };

  void lay_out_block(Layout layout, int64_t k, int64_t count, int64_t block) {
    if (layout == Layout::floats) {
      if (rows_ > 1)
        pack(x_ + k, stride_, rows_, count, floats_ + block * rows_ * kPanelStride, kPanelStride);
      return;
    }
    const Order order = layout == Layout::integers ? Order::as_they_come : Order::side_by_side;
    for (int64_t m = 0; m < rows_; ++m)
      round_block(x_ + m * stride_ + k, count, order, integers_[block * rows_ + m]);
  }

  const float* x_;
  int64_t stride_, rows_;
  Layout layout_ = Layout::none;
  int64_t begin_ = 0;
  alignas(64) float floats_[kPanelBlocks * kFewRows * kPanelStride];
  IntegerBlock integers_[kPanelBlocks * kFewRows];
};

}  // namespace

void multiply_few(const Matmul& job, const MatmulTile& tile) {
  constexpr int64_t kOutsBlock = 512;
  alignas(64) float sums[kFewRows * kOutsBlock], up_sums[kFewRows * kOutsBlock];
  const int64_t rows = tile.rows_end - tile.rows_begin;
  FewPanel panel(job.x + tile.rows_begin * job.x_stride, job.x_stride, rows);
  for (int64_t n = tile.outs_begin; n < tile.outs_end; n += kOutsBlock) {
    const int64_t outs = less_of(kOutsBlock, tile.outs_end - n);
    for (int64_t k = 0; k < job.inputs || k == 0; k += FewPanel::kInputs) {
      const auto add = [&](const Stored& w, float* to) __attribute__((always_inline)) {
        FewRows at =
            panel.lay_out(job, from_row(w, n), k, less_of(k + FewPanel::kInputs, job.inputs));
        at.sums = to;
        at.sums_stride = kOutsBlock;
        with_width(w.width, [&]<Width kWidth>() { stream<kWidth>(at, rows, outs); });
      };
      add(job.w, sums);
      if (job.up.data) add(job.up, up_sums);
    }
    finish_tile(job, {tile.rows_begin, tile.rows_end, n, n + outs}, {sums, up_sums, kOutsBlock});
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
