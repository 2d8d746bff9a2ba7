#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "engine/interrupt.h"
#include "engine/model/load.h"

namespace crescent {
namespace {

/// Sums over one piece of a tensor; pieces are added in order, so that the figures don't depend on
/// the number of threads.
struct Sums {
  int64_t nan = 0, infinite = 0;
  double abs_max = 0, sum = 0, squares = 0;
  void add(float value) {
    if (std::isnan(value)) {
      ++nan;
    } else if (std::isinf(value)) {
      ++infinite;
    } else {
      abs_max = std::max(abs_max, std::abs(static_cast<double>(value)));
      sum += value;
      squares += static_cast<double>(value) * value;
    }
  }
  void add(const Sums& other) {
    nan += other.nan;
    infinite += other.infinite;
    abs_max = std::max(abs_max, other.abs_max);
    sum += other.sum;
    squares += other.squares;
  }
};

TensorHealth health_of(const std::string& name, const at::Tensor& tensor) {
  constexpr int64_t kPiece = 1 << 16;
  const at::Tensor flat = tensor.reshape({-1});
  const int64_t elements = flat.numel();
  std::vector<Sums> pieces(static_cast<size_t>((elements + kPiece - 1) / kPiece));
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
    const c10::NoGradGuard no_grad;  // grad mode belongs to a thread
    for (int64_t p = begin; p < end; ++p) {
      const int64_t start = p * kPiece;
      const int64_t count = std::min(kPiece, elements - start);
      const at::Tensor piece = flat.narrow(0, start, count).to(at::kFloat);
      const float* values = piece.data_ptr<float>();
      for (int64_t i = 0; i < count; ++i) pieces[static_cast<size_t>(p)].add(values[i]);
    }
  });
  Sums all;
  for (const Sums& piece : pieces) all.add(piece);
  const double finite =
      static_cast<double>(std::max<int64_t>(1, elements - all.nan - all.infinite));
  const double mean = all.sum / finite;
  const double variance = std::max(0.0, all.squares / finite - mean * mean);
  return {name, elements, all.nan, all.infinite, all.abs_max, mean, std::sqrt(variance)};
}

}  // namespace

std::vector<TensorHealth> health(const Model& model) {
  std::vector<TensorHealth> result;
  for (const TensorSpec& spec : model.layout()) {
    check_interrupt();
    result.push_back(health_of(stored_name(spec, model.source().prefix), model.stored().at(spec)));
  }
  return result;
}

}  // namespace crescent
