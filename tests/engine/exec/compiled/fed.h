#pragma once
#include <ATen/ops/cat.h>

#include <algorithm>
#include <vector>

#include "engine/exec/session.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {

/// Products of up to 8 rows and those of more add in another order (matmul.h): chunks, batches and
/// steps that are on different sides of that agree within this, in units of the logits' spread: of
/// the fixtures' fast-path bound a third (tests/fixtures/README.md). Measured: 1.1e-5.
constexpr double kFewAgainstMany = 3e-5;

/// Logits of all of `ids`, fed in pieces of `pattern`, over and over.
inline at::Tensor fed_by(Session& session, const at::Tensor& ids,
                         const std::vector<int64_t>& pattern) {
  std::vector<at::Tensor> pieces;
  for (size_t turn = 0; session.length() < ids.size(1); ++turn) {
    const int64_t size = std::min(pattern[turn % pattern.size()], ids.size(1) - session.length());
    pieces.push_back(session.feed(ids.narrow(1, session.length(), size), {}).clone());
  }
  return at::cat(pieces, 1);
}

}  // namespace crescent::test
