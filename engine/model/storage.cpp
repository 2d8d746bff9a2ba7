#include "engine/model/storage.h"

#include <fmt/format.h>

namespace crescent {

std::string words_of(Width width) {
  return width == Width::int8_grouped ? fmt::format("int8 in groups of {}", kernels::kGroup)
                                      : kernels::name_of(width);
}

std::string words_of(const Storage& storage) {
  std::string words = words_of(storage.weights);
  if (storage.head != storage.weights) words += ", head " + words_of(storage.head);
  if (storage.kv != Width::fp32) words += ", cache " + words_of(storage.kv);
  if (storage.calibration)
    words += fmt::format(", calibrated on {} tokens", storage.calibration->tokens);
  return words;
}

MatrixShape matrix_shape(const TensorSpec& spec) {
  const int64_t rows = spec.shape.at(0), columns = spec.shape.at(1);
  return spec.in_out ? MatrixShape{columns, rows} : MatrixShape{rows, columns};
}

bool is_matrix(const TensorSpec& spec, bool tied_head) {
  if (spec.slot == Slot::position_embedding) return false;
  if (spec.slot == Slot::token_embedding) return tied_head;
  return spec.shape.size() == 2;
}

Width width_of(const TensorSpec& spec, bool tied_head, const Storage& storage) {
  if (!is_matrix(spec, tied_head)) return Width::fp32;
  return spec.layer < 0 ? storage.head : storage.weights;
}

int64_t stored_bytes(const MatrixShape& shape, Width width) {
  const int64_t scales = width == Width::int8 ? int64_t{sizeof(float)} : 0;
  return shape.out * (kernels::row_bytes(width, shape.in) + scales);
}

int64_t packed_bytes(const MatrixShape& shape, Width width) {
  constexpr int64_t kLine = 64;
  return (stored_bytes(shape, width) + kLine - 1) / kLine * kLine;
}

int64_t cached_bytes(int64_t head_dim, Width width) { return stored_bytes({1, head_dim}, width); }

bool is_padded(int64_t in, Width width) {
  return width != Width::fp32 && width != Width::bf16 && in % kernels::kGroup != 0;
}

}  // namespace crescent
