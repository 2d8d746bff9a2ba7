// How tensors print: all values of a small one, the first and last three of a long dimension, then
// dtype and shape:
//
//   1  2
//   3  4
//   [float32 tensor of shape (2, 2)]
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bindings/engine/tensor.h"

namespace crescent {
namespace {

constexpr int64_t kComplete = 200;  // elements up to which a tensor prints whole, if its rows fit
constexpr int64_t kEdge = 3;        // values at each end of a folded dimension
constexpr int64_t kEdgeOuter = 1;   // the same for the outer ones of four and more dimensions
constexpr double kShownMost = 1e5;  // of a tensor of many dimensions; above, its shape must do
constexpr size_t kWidth = 100;      // columns of text
constexpr int64_t kGap = -1;        // stands for what is left out

/// What is shown of a tensor: the positions of each dimension (kGap where some are left out), and
/// the values there.
struct Folded {
  std::vector<std::vector<int64_t>> positions;
  at::Tensor values;
};

std::vector<int64_t> shown(int64_t length, int64_t edge, bool fold) {
  std::vector<int64_t> positions;
  const bool all = !fold || length <= 2 * edge + 1;
  for (int64_t i = 0; i < (all ? length : edge); ++i) positions.push_back(i);
  if (all) return positions;
  positions.push_back(kGap);
  for (int64_t i = length - edge; i < length; ++i) positions.push_back(i);
  return positions;
}

/// The shown part of a tensor. Cut out with views, dimension after dimension, and only then copied:
/// a tensor that was expanded can be larger than the memory.
at::Tensor shown_part(const at::Tensor& tensor, const std::vector<std::vector<int64_t>>& positions,
                      size_t d) {
  if (d == positions.size()) return tensor;
  const auto gap = std::find(positions[d].begin(), positions[d].end(), kGap);
  if (gap == positions[d].end()) return shown_part(tensor, positions, d + 1);
  const auto dim = static_cast<int64_t>(d), edge = static_cast<int64_t>(gap - positions[d].begin());
  const at::Tensor last = tensor.narrow(dim, tensor.size(dim) - edge, edge);
  return at::cat({shown_part(tensor.narrow(dim, 0, edge), positions, d + 1),
                  shown_part(last, positions, d + 1)},
                 dim);
}

Folded fold(const at::Tensor& tensor, bool fold_all, bool fold_columns) {
  Folded folded;
  const int64_t dims = tensor.dim();
  for (int64_t d = 0; d < dims; ++d) {
    const bool column = d == dims - 1;
    const int64_t edge = dims >= 4 && d < dims - 2 ? kEdgeOuter : kEdge;
    folded.positions.push_back(shown(tensor.size(d), edge, fold_all || (column && fold_columns)));
  }
  folded.values = shown_part(tensor, folded.positions, 0).cpu();
  return folded;
}

/// With all its digits; a NaN has no sign that would mean something.
template <class Float>
std::string number(Float x) {
  return std::isnan(x) ? "nan" : fmt::format("{}", x);
}

/// The values that are shown as texts of one width.
class Texts {
 public:
  explicit Texts(const at::Tensor& tensor) {
    if (tensor.scalar_type() == at::kBool) {
      for_each<bool>(tensor, at::kBool, [&](bool x) { texts_.push_back(x ? "true" : "false"); });
    } else if (c10::isIntegralType(tensor.scalar_type(), false)) {
      for_each<int64_t>(tensor, at::kLong,
                        [&](int64_t x) { texts_.push_back(fmt::format("{}", x)); });
    } else {
      std::vector<double> values;
      for_each<double>(tensor, at::kDouble, [&](double x) { values.push_back(x); });
      format(values);
    }
    for (const auto& text : texts_) width_ = std::max(width_, text.size());
  }

  size_t width() const { return width_; }
  const std::string& operator[](int64_t i) const { return texts_[static_cast<size_t>(i)]; }

 private:
  template <class T, class F>
  static void for_each(const at::Tensor& tensor, at::ScalarType type, F visit) {
    const at::Tensor values = tensor.to(type).contiguous();
    const T* data = values.data_ptr<T>();
    for (int64_t i = 0; i < values.numel(); ++i) visit(data[i]);
  }

  /// One notation for all: whole numbers if all are, four digits behind the point if that shows
  /// something of each, else powers of ten.
  void format(const std::vector<double>& values) {
    bool whole = true;
    double low = INFINITY, high = 0;
    for (const double x : values) {
      if (!std::isfinite(x)) continue;
      whole = whole && x == std::floor(x);
      high = std::max(high, std::abs(x));
      if (x != 0) low = std::min(low, std::abs(x));
    }
    const bool fixed = high < 1e5 && (low >= 1e-3 || high >= 1e-2) && high >= 1e-3;
    for (const double x : values) {
      if (!std::isfinite(x)) texts_.push_back(number(x));
      else if (whole && high < 1e7) texts_.push_back(fmt::format("{:.0f}", x));
      else if (fixed) texts_.push_back(fmt::format("{:.4f}", x));
      else texts_.push_back(fmt::format("{:.4e}", x));
    }
  }

  std::vector<std::string> texts_;
  size_t width_ = 0;
};

/// Lays the texts out: rows, under a heading for each matrix if there are several.
class Printer {
 public:
  Printer(const Folded& folded, const Texts& texts) : shown_(folded.positions), texts_(texts) {}

  /// One list, in as many lines as it takes.
  std::string list() {
    const size_t columns = std::max<size_t>(1, (kWidth + 2) / (cell_width() + 2));
    size_t column = 0;
    for (const int64_t position : shown_[0]) {
      if (column == columns) column = 0, out_ += '\n';
      out_ += (column++ > 0 ? "  " : "") + cell(position);
    }
    return out_ + '\n';
  }

  std::string matrices() {
    descend(0);
    return out_;
  }

  size_t row_width() const { return shown_.back().size() * (cell_width() + 2) - 2; }

 private:
  size_t cell_width() const { return texts_.width(); }

  std::string cell(int64_t position) {
    if (position == kGap) return fmt::format("{:>{}}", "...", std::min<size_t>(3, cell_width()));
    return fmt::format("{:>{}}", texts_[next_++], cell_width());
  }

  void descend(size_t level) {
    if (level + 2 == shown_.size()) return matrix();
    for (const int64_t position : shown_[level]) {
      if (position == kGap) {
        out_ += "...\n";
        continue;
      }
      heading_.push_back(position + 1);
      descend(level + 1);
      heading_.pop_back();
    }
  }

  void matrix() {
    if (!heading_.empty()) out_ += fmt::format("({}, :, :) =\n", fmt::join(heading_, ", "));
    for (const int64_t row : shown_[shown_.size() - 2]) {
      if (row == kGap) {
        out_ += "...\n";
        continue;
      }
      for (size_t i = 0; i < shown_.back().size(); ++i)
        out_ += (i > 0 ? "  " : "") + cell(shown_.back()[i]);
      out_ += '\n';
    }
  }

  const std::vector<std::vector<int64_t>>& shown_;
  const Texts& texts_;
  std::vector<int64_t> heading_;
  std::string out_;
  int64_t next_ = 0;  ///< texts are taken in the order in which they are laid out
};

/// A single value, with all its digits.
std::string scalar(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kBool) return tensor.item<bool>() ? "true" : "false";
  if (c10::isIntegralType(tensor.scalar_type(), false))
    return fmt::format("{}", tensor.item<int64_t>());
  if (tensor.scalar_type() == at::kDouble) return number(tensor.item<double>());
  return number(tensor.item<float>());
}

/// How many values a folded tensor shows; grows with its dimensions alone.
double shown_count(const at::Tensor& tensor) {
  double count = 1;
  for (const int64_t size : tensor.sizes())
    count *= static_cast<double>(std::min<int64_t>(size, 2 * kEdgeOuter + 1));
  return count;
}

}  // namespace

std::string format_tensor(const at::Tensor& tensor) {
  const std::string device = tensor.is_cpu() ? "" : fmt::format(" on {}", tensor.device().str());
  const std::string tag = fmt::format("[{} tensor of shape {}{}]", dtype_words(tensor),
                                      shape_words(tensor.sizes()), device);
  if (tensor.numel() == 0) return tag;
  if (tensor.dim() == 0) return fmt::format("{}  {}", scalar(tensor), tag);
  const bool large = tensor.numel() > kComplete;
  if (large && shown_count(tensor) > kShownMost) return tag;
  Folded folded = fold(tensor, large, false);
  if (tensor.dim() == 1) {
    const Texts texts(folded.values);
    return Printer(folded, texts).list() + tag;
  }
  const Texts texts(folded.values);
  Printer whole(folded, texts);
  if (whole.row_width() <= kWidth) return whole.matrices() + tag;
  const Folded narrower = fold(tensor, large, true);
  const Texts fewer(narrower.values);
  return Printer(narrower, fewer).matrices() + tag;
}

}  // namespace crescent
