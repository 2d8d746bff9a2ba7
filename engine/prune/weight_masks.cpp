#include "engine/prune/weight_masks.h"

#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "engine/memory.h"
#include "engine/prune/measure.h"

namespace crescent {
namespace {

/// One matrix's scores as rows of inputs, whichever way round the file has it.
struct Matrix {
  const TensorSpec* spec = nullptr;
  at::Tensor scores;       ///< (out, in), fp32, contiguous
  std::vector<bool> gone;  ///< by element of `scores`

  std::span<const float> values() const {
    return {scores.data_ptr<float>(), static_cast<size_t>(scores.numel())};
  }
  int64_t width() const { return scores.size(1); }
};

std::vector<Matrix> matrices_of(const Model& model, const std::vector<at::Tensor>& scores,
                                const WeightMaskOptions& options) {
  std::vector<Matrix> matrices;
  const std::vector<size_t> indexes = layer_matrices(model.layout());
  if (scores.size() != indexes.size()) {
    fail("scores: expected those of {} matrices, got {}", indexes.size(), scores.size());
  }
  for (size_t i = 0; i < indexes.size(); ++i) {
    const TensorSpec& spec = model.layout()[indexes[i]];
    const auto& kept = options.protected_layers;
    if (std::find(kept.begin(), kept.end(), spec.layer) != kept.end()) continue;
    if (scores[i].sizes() != at::IntArrayRef(spec.shape)) {
      fail("scores: expected shape [{}] for tensor '{}', got [{}]", fmt::join(spec.shape, ", "),
           spec.name, fmt::join(scores[i].sizes(), ", "));
    }
    const at::Tensor rows = (spec.in_out ? scores[i].t() : scores[i]).to(at::kFloat).contiguous();
    matrices.push_back({&spec, rows, std::vector<bool>(static_cast<size_t>(rows.numel()), false)});
    for (const float score : matrices.back().values()) {
      if (std::isnan(score)) fail("scores: one of tensor '{}' is not a number", spec.name);
    }
  }
  return matrices;
}

/// Marks the `count` lowest of `values`; of equal ones the first.
void mark_lowest(std::span<const float> values, int64_t count, std::vector<bool>& gone,
                 size_t first) {
  if (count <= 0) return;
  std::vector<float> sorted(values.begin(), values.end());
  const auto last = sorted.begin() + (count - 1);
  std::nth_element(sorted.begin(), last, sorted.end());
  const float limit = *last;
  int64_t at_limit =
      count - std::count_if(values.begin(), values.end(), [limit](float v) { return v < limit; });
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < limit || (values[i] == limit && at_limit-- > 0)) gone[first + i] = true;
  }
}

int64_t share_of(double ratio, size_t count) {
  return static_cast<int64_t>(std::llround(ratio * static_cast<double>(count)));
}

void mark_over_model(std::vector<Matrix>& matrices, double ratio) {
  size_t total = 0;
  for (const Matrix& matrix : matrices) total += matrix.values().size();
  require_memory(static_cast<int64_t>(2 * total * sizeof(float)), "ranking the weights");
  std::vector<float> all;
  all.reserve(total);
  for (const Matrix& matrix : matrices) {
    all.insert(all.end(), matrix.values().begin(), matrix.values().end());
  }
  std::vector<bool> gone(total, false);
  mark_lowest(all, share_of(ratio, total), gone, 0);
  size_t at = 0;
  for (Matrix& matrix : matrices) {
    for (size_t i = 0; i < matrix.gone.size(); ++i) matrix.gone[i] = gone[at++];
  }
}

void mark_rows(Matrix& matrix, double ratio) {
  const auto width = static_cast<size_t>(matrix.width());
  const std::span<const float> values = matrix.values();
  for (size_t first = 0; first < values.size(); first += width) {
    mark_lowest(values.subspan(first, width), share_of(ratio, width), matrix.gone, first);
  }
}

void mark_two_of_four(Matrix& matrix) {
  if (matrix.width() % 4 != 0) {
    fail("pattern '2:4': tensor '{}' has {} inputs, expected a multiple of 4", matrix.spec->name,
         matrix.width());
  }
  const std::span<const float> values = matrix.values();
  for (size_t first = 0; first < values.size(); first += 4) {
    mark_lowest(values.subspan(first, 4), 2, matrix.gone, first);
  }
}

/// One bit a weight, in the order of the file.
WeightMask packed(const Matrix& matrix) {
  const auto out = static_cast<size_t>(matrix.scores.size(0));
  const auto in = static_cast<size_t>(matrix.width());
  WeightMask mask{.tensor = matrix.spec->name,
                  .elements = matrix.scores.numel(),
                  .removed = 0,
                  .kept = std::vector<uint8_t>((matrix.gone.size() + 7) / 8, 0)};
  for (size_t row = 0; row < out; ++row) {
    for (size_t column = 0; column < in; ++column) {
      if (matrix.gone[row * in + column]) {
        ++mask.removed;
        continue;
      }
      const size_t stored = matrix.spec->in_out ? column * out + row : row * in + column;
      mask.kept[stored / 8] |= static_cast<uint8_t>(1u << (stored % 8));
    }
  }
  return mask;
}

}  // namespace

std::vector<WeightMask> weight_masks(const Model& model, const std::vector<at::Tensor>& scores,
                                     const WeightMaskOptions& options) {
  const c10::NoGradGuard no_grad;
  std::vector<Matrix> matrices = matrices_of(model, scores, options);
  if (!options.two_of_four && options.pool == WeightMaskOptions::Pool::model) {
    mark_over_model(matrices, options.ratio);
  }
  std::vector<WeightMask> masks;
  for (Matrix& matrix : matrices) {
    check_interrupt();
    if (options.two_of_four) {
      mark_two_of_four(matrix);
    } else if (options.pool == WeightMaskOptions::Pool::row) {
      mark_rows(matrix, options.ratio);
    } else if (options.pool == WeightMaskOptions::Pool::matrix) {
      const auto values = matrix.values();
      mark_lowest(values, share_of(options.ratio, values.size()), matrix.gone, 0);
    }
    masks.push_back(packed(matrix));
  }
  return masks;
}

std::shared_ptr<const Model> with_masks(const Model& model, const std::vector<WeightMask>& masks) {
  const c10::NoGradGuard no_grad;
  if (masks.empty()) return model.optimized(model.options());
  Weights weights(model.config().layers.size());
  size_t found = 0;
  for (const TensorSpec& spec : model.layout()) {
    check_interrupt();
    const at::Tensor& stored = model.stored().at(spec);
    const auto mask = std::find_if(masks.begin(), masks.end(),
                                   [&](const WeightMask& m) { return m.tensor == spec.name; });
    if (mask == masks.end()) {
      weights.set(spec, stored);
      continue;
    }
    ++found;
    if (mask->elements != stored.numel()) {
      fail("the mask of tensor '{}' is of {} weights, the model's has {}", spec.name,
           mask->elements, stored.numel());
    }
    if (mask->kept.size() != static_cast<size_t>((mask->elements + 7) / 8)) {
      fail("the mask of tensor '{}' has {} bytes for {} weights", spec.name, mask->kept.size(),
           mask->elements);
    }
    std::vector<uint8_t> kept(static_cast<size_t>(mask->elements));
    for (size_t i = 0; i < kept.size(); ++i) kept[i] = mask->kept[i / 8] >> (i % 8) & 1;
    const at::Tensor factor = at::from_blob(kept.data(), spec.shape, at::kByte);
    weights.set(spec, stored.masked_fill(factor.eq(0), 0));
  }
  if (found != masks.size()) fail("a mask names a tensor that the model doesn't have");
  Model::Source source = model.source();
  source.bytes_misaligned = 0;
  return Model::make(model.family(), model.config(), model.layout(), std::move(weights),
                     std::move(source))
      ->optimized(for_other_weights(model.options()));
}

}  // namespace crescent
