#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace crescent::compiled {

/// How wide a buffer is, and from which step to which (both included) it holds something.
struct Lifetime {
  int64_t width = 0;  ///< floats a row
  int32_t first = 0;
  int32_t last = 0;
};

/// Where each buffer begins, in floats a row: a pass over R rows finds it R times as far behind the
/// arena's beginning. So one placement serves every number of rows, and few rows lie close
/// together.
struct Placement {
  std::vector<int64_t> offsets;
  int64_t width = 0;  ///< floats a row that all of them take together
};

/// Every buffer gets the lowest place where nothing lies that lives at the same time, the widest
/// buffers first: Pisarchyk & Lee 2020, arXiv:2001.03288, "greedy by size". Offsets are
/// multiples of a cache line.
Placement place(std::span<const Lifetime> buffers);

}  // namespace crescent::compiled
