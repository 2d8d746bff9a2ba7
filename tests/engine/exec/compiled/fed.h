#pragma once
#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "engine/exec/session.h"
#include "engine/threads.h"
#include "tests/engine/exec/fixture.h"
#include "tests/engine/prune/support.h"

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

/// Chunks and batches of more than 8 rows each: the same bits, also in a session that goes back.
inline void expect_same_bits_of_many_rows(const std::shared_ptr<const Model>& model) {
  const at::Tensor ids = some_ids(3, 40, model->config().vocab), alone = ids.narrow(0, 1, 1);
  const at::Tensor all = forward(*model, ids), of_alone = all.narrow(0, 1, 1);
  for (const std::vector<int64_t>& pattern : {std::vector<int64_t>{40}, {20}, {13, 14}}) {
    EXPECT_TRUE(same_bits(fed_by(*Session::open(model, 3, 40), ids, pattern), all));
    const auto session = Session::open(model, 1, 40);
    EXPECT_TRUE(same_bits(fed_by(*session, alone, pattern), of_alone));
    session->truncate(20);
    EXPECT_TRUE(same_bits(fed_by(*session, alone, {20}), of_alone.narrow(1, 20, 20).contiguous()));
  }
}

/// Chunks and batches of at most 8 rows each: the same bits. @return  how far, in units of the
/// logits' spread, they are from those of many rows
inline double expect_same_bits_of_few_rows(const std::shared_ptr<const Model>& model) {
  const at::Tensor ids = some_ids(3, 20, model->config().vocab);
  const at::Tensor all = fed_by(*Session::open(model, 3, 20), ids, {1});
  EXPECT_TRUE(same_bits(fed_by(*Session::open(model, 3, 20), ids, {2, 1}), all));
  for (const int64_t size : {1, 5, 8})
    EXPECT_TRUE(same_bits(fed_by(*Session::open(model, 1, 20), ids.narrow(0, 1, 1), {size}),
                          all.narrow(0, 1, 1)));
  return relative_difference(all, forward(*model, ids));
}

inline void expect_same_bits_with_several_threads(const std::shared_ptr<const Model>& model) {
  const at::Tensor ids = some_ids(2, 33, model->config().vocab);
  const at::Tensor one = forward(*model, ids);
  const at::Tensor fed = fed_by(*Session::open(model, 2, 33), ids, {9, 1});
  for (const int count : {2, 3}) {
    set_threads(count);
    EXPECT_TRUE(same_bits(forward(*model, ids), one)) << count;
    EXPECT_TRUE(same_bits(fed_by(*Session::open(model, 2, 33), ids, {9, 1}), fed)) << count;
  }
  set_threads(1);
}

}  // namespace crescent::test
