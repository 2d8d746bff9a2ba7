#pragma once
#include "tests/engine/kernels/fenced.h"

namespace crescent::kernels {

constexpr Width kNarrow[] = {Width::bf16, Width::int8, Width::int8_grouped, Width::int4};

/// A stored copy of rows of floats that ends where memory ends.
class Narrowed {
 public:
  struct Shape {
    int64_t rows, inputs;
    int64_t gap_bytes = 0;  ///< between rows; a multiple of 4
    const float* importance = nullptr;
  };
  Narrowed(Width width, const float* from, const Shape& shape)
      : inputs_(shape.inputs),
        stride_(row_bytes(width, shape.inputs) + shape.gap_bytes),
        bytes_(shape.rows == 0 ? 0 : shape.rows * stride_ - shape.gap_bytes),
        memory_((bytes_ + 3) / 4, -7),
        scales_(width == Width::int8 ? shape.rows : 0),
        errors_(static_cast<size_t>(shape.rows)),
        data_(reinterpret_cast<char*>(memory_.data() + memory_.size()) - bytes_) {
    const Quantization job{.from = from,
                           .from_stride = shape.inputs,
                           .inputs = shape.inputs,
                           .width = width,
                           .to = data_,
                           .to_stride = stride_,
                           .scales = scales_.data(),
                           .importance = shape.importance,
                           .errors = errors_.data()};
    quantize(job, 0, shape.rows / 2);
    quantize(job, shape.rows / 2, shape.rows);
    stored_ = {.data = data_,
               .width = width,
               .stride = stride_,
               .scales = width == Width::int8 ? scales_.data() : nullptr};
  }

  const Stored& stored() const { return stored_; }
  std::vector<float> row(int64_t row) const {
    std::vector<float> floats(static_cast<size_t>(inputs_));
    dequantize(stored_, inputs_, row, floats.data());
    return floats;
  }
  /// What storing a row lost, as `quantize` tells it.
  const WeightedError& error(int64_t row) const { return errors_[static_cast<size_t>(row)]; }
  bool intact() const { return memory_.intact() && scales_.intact(); }

 private:
  int64_t inputs_, stride_, bytes_;
  Fenced memory_, scales_;
  std::vector<WeightedError> errors_;
  char* data_;
  Stored stored_;
};

}  // namespace crescent::kernels
