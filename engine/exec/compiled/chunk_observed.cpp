// What a chunk does for an observer.
#include "engine/exec/compiled/chunk.h"

namespace crescent::compiled {

bool Chunk::run(const BeginStep& step, const At& at) {
  if (at.rank.index == 0) {
    pass_.observer->begin(step.site, step.layer);
    open_.at(opened_++) = {step.site, step.layer};
  }
  return false;
}

bool Chunk::run(const EndStep& step, const At& at) {
  if (at.rank.index == 0) {
    --opened_;
    pass_.observer->end(step.site, step.layer);
  }
  return false;
}

void Chunk::close_spans() {
  while (opened_ > 0) {
    --opened_;
    pass_.observer->end(open_[opened_].site, open_[opened_].layer);
  }
}

bool Chunk::run(const ShowStep& step, const At& at) {
  if (at.rank.index == 0) {
    const bool of_last = step.site == Site::final_norm && pass_.last_only;
    const int64_t rows = of_last ? batch_ : rows_;
    const std::array<int64_t, 3> shape{batch_, rows / batch_, step.width};
    show(step.site, step.layer, place(step.buffer, at.rank, rows), shape);
  }
  return true;
}

bool Chunk::run(const ShowLogitsStep&, const At& at) {
  if (at.rank.index == 0) {
    const std::array<int64_t, 3> shape{batch_, head_rows() / batch_, config_.vocab};
    show(Site::head, -1, pass_.logits, shape);
  }
  return true;
}

bool Chunk::run(const ShowProbabilitiesStep& step, const At& at) {
  if (at.rank.index == 0) {
    const std::array<int64_t, 4> shape{batch_, spec(step.layer).heads(), tokens_, past_ + tokens_};
    show(Site::attention_softmax, step.layer, runner_.probabilities_.data(), shape);
  }
  return true;
}

/// A product's epilogue alone: a product of no inputs leaves the bias, which here is a row that was
/// computed before. So a step that was taken apart gives the same bits as the whole one.
void Chunk::elementwise(const kernels::Matmul& of_row_zero, int64_t width, const At& at) const {
  const Range mine = share_of(at.rows, at.rank);
  for (int64_t row = mine.begin; row < mine.end; ++row) {
    kernels::Matmul of_row = of_row_zero;
    of_row.x = of_row.bias;
    of_row.w.data = of_row.bias;
    of_row.bias += row * width;
    of_row.y += row * width;
    if (of_row.up_bias) of_row.up.data = of_row.up_bias += row * width;
    if (of_row.residual) of_row.residual += row * width;
    kernels_.multiply(of_row, {0, 1, 0, width});
  }
}

bool Chunk::run(const ActivateStep& step, const At& at) {
  elementwise({.bias = shared(step.in), .nonlinearity = nonlinearity_, .y = shared(step.out)},
              step.width, at);
  return true;
}

bool Chunk::run(const GateStep& step, const At& at) {
  elementwise({.bias = shared(step.gate),
               .nonlinearity = nonlinearity_,
               .up_bias = shared(step.up),
               .y = shared(step.out)},
              step.width, at);
  return true;
}

bool Chunk::run(const AddStep& step, const At& at) {
  elementwise({.bias = shared(step.in), .residual = shared(step.out), .y = shared(step.out)},
              step.width, at);
  return true;
}

}  // namespace crescent::compiled
