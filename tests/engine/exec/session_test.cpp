#include "engine/exec/session.h"

#include <ATen/ops/cat.h>

#include "engine/interrupt.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

class Sessions : public testing::TestWithParam<int> {
 protected:
  std::shared_ptr<const Model> model_ = load("llama", GetParam());
  at::Tensor ids_ = some_ids(1, 20, 96);
};

TEST_P(Sessions, HoldWhatTheyWereFed) {
  const auto session = Session::open(model_, 1, 20);
  EXPECT_EQ(session->length(), 0);
  session->feed(ids_.narrow(1, 0, 7), {});
  session->feed(ids_.narrow(1, 7, 3), {});
  EXPECT_EQ(session->length(), 10);
  EXPECT_EQ(session->capacity(), 20);
  ASSERT_EQ(session->ids().size(), 10u);
  EXPECT_EQ(session->ids()[9], ids_[0][9].item<int64_t>());
}

TEST_P(Sessions, ContinueAfterTruncationAsIfTheRestHadNeverBeen) {
  const auto session = Session::open(model_, 1, 20), other = Session::open(model_, 1, 20);
  session->feed(some_ids(1, 15, 96, 9), {});
  session->truncate(0);
  session->feed(ids_.narrow(1, 0, 6), {});
  session->feed(some_ids(1, 8, 96, 10), {});
  session->truncate(6);
  other->feed(ids_.narrow(1, 0, 6), {});
  EXPECT_TRUE(
      same_bits(session->feed(ids_.narrow(1, 6, 5), {}), other->feed(ids_.narrow(1, 6, 5), {})));
  EXPECT_EQ(session->length(), 11);
}

TEST_P(Sessions, NeverLetABatchRowDependOnAnother) {
  const auto run = [&](int64_t seed) {
    const at::Tensor batch = at::cat({ids_, some_ids(1, 20, 96, seed)}, 0);
    const auto session = Session::open(model_, 2, 20);
    session->feed(batch.narrow(1, 0, 19), {});
    return session->feed(batch.narrow(1, 19, 1), {});
  };
  const at::Tensor a = run(2), b = run(3);
  EXPECT_TRUE(same_bits(a[0], b[0]));
  EXPECT_FALSE(same_bits(a[1], b[1]));
}

TEST_P(Sessions, RefuseWhatDoesNotFitAndStayAsTheyWere) {
  const auto session = Session::open(model_, 1, 8);
  session->feed(ids_.narrow(1, 0, 6), {});
  EXPECT_EQ(
      message_of([&] { session->feed(ids_.narrow(1, 6, 3), {}); }),
      "feed: 3 more tokens do not fit: the session holds 6 of 8; truncate it or open a longer one");
  EXPECT_EQ(session->length(), 6);
  EXPECT_EQ(message_of([&] { session->feed(some_ids(2, 1, 96), {}); }),
            "feed: expected 1 sequence, got 2");
  EXPECT_EQ(message_of([&] { session->truncate(7); }), "truncate: expected 0 .. 6, got 7");
  EXPECT_EQ(message_of([&] { session->truncate(-1); }), "truncate: expected 0 .. 6, got -1");
  session->feed(ids_.narrow(1, 6, 2), {});
  EXPECT_EQ(session->length(), 8);
}

TEST_P(Sessions, AreAsTheyWereAfterAnInterrupt) {
  const auto session = Session::open(model_, 1, 8), other = Session::open(model_, 1, 8);
  session->feed(ids_.narrow(1, 0, 3), {});
  other->feed(ids_.narrow(1, 0, 3), {});
  interrupt_requested = true;
  EXPECT_THROW(session->feed(ids_.narrow(1, 10, 3), {}), Interrupted);
  interrupt_requested = false;
  EXPECT_EQ(session->length(), 3);
  EXPECT_TRUE(
      same_bits(session->feed(ids_.narrow(1, 3, 2), {}), other->feed(ids_.narrow(1, 3, 2), {})));
}

TEST_P(Sessions, RefuseACapacityOverTheModelsPositions) {
  EXPECT_EQ(message_of([&] { Session::open(model_, 1, 65); }),
            "session: tokens: expected 1 .. 64 (the model's positions), got 65");
  EXPECT_EQ(message_of([&] { Session::open(model_, 1, 0); }),
            "session: tokens: expected 1 .. 64 (the model's positions), got 0");
  EXPECT_EQ(message_of([&] { Session::open(model_, 0, 8); }),
            "session: expected a batch of at least 1, got 0");
}

INSTANTIATE_TEST_SUITE_P(Levels, Sessions, testing::Values(0, 1, 2, 3));

class CachedSessions : public testing::TestWithParam<int> {};

TEST_P(CachedSessions, TakeTheBytesOfTheirKeysAndValues) {
  const auto session = Session::open(load("llama", GetParam()), 2, 10);
  constexpr int64_t kLayers = 2, kKvHeads = 2, kHeadDim = 8, kFloat = 4;
  EXPECT_EQ(session->bytes(), 2 * kLayers * kKvHeads * kHeadDim * 10 * 2 * kFloat);
}

TEST_P(CachedSessions, AskForMemoryBeforeTheyTakeIt) {
  constexpr int64_t kBatch = int64_t{1} << 40;
  const auto model = load("llama", GetParam());
  const std::string message = message_of([&] { Session::open(model, kBatch, 64); });
  EXPECT_TRUE(message.starts_with("a session of 1099511627776 x 64 tokens needs ")) << message;
  // Level 2 wants room to work in beside the keys and values.
  if (GetParam() == 1) {
    EXPECT_NE(message.find(" needs 18014398.5 GB, "), std::string::npos) << message;
  }
  EXPECT_TRUE(message.ends_with(" free")) << message;
}

INSTANTIATE_TEST_SUITE_P(Levels, CachedSessions, testing::Values(1, 2));

}  // namespace
}  // namespace crescent::test
