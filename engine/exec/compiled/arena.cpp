#include "engine/exec/compiled/arena.h"

#include <algorithm>
#include <numeric>

namespace crescent::compiled {
namespace {

constexpr int64_t kLine = 64 / int64_t{sizeof(float)};

bool meet(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

Placement place(std::span<const Lifetime> buffers) {
  std::vector<int64_t> widths;
  for (const Lifetime& buffer : buffers) {
    widths.push_back((buffer.width + kLine - 1) / kLine * kLine);
  }
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return widths[a] > widths[b]; });

  Placement result;
  result.offsets.resize(buffers.size());
  std::vector<size_t> placed;  // by offset
  for (const size_t buffer : order) {
    int64_t offset = 0;
    for (const size_t other : placed) {
      if (!meet(buffers[buffer], buffers[other])) continue;
      if (result.offsets[other] - offset >= widths[buffer]) break;
      offset = std::max(offset, result.offsets[other] + widths[other]);
    }
    result.offsets[buffer] = offset;
    result.width = std::max(result.width, offset + widths[buffer]);
    const auto behind = std::find_if(placed.begin(), placed.end(),
                                     [&](size_t other) { return result.offsets[other] > offset; });
    placed.insert(behind, buffer);
  }
  return result;
}

}  // namespace crescent::compiled
