#include "profiler/store/number_list.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "tests/support.h"

namespace crescent {
namespace {

TEST(NumberList, GivesEveryDoubleBack) {
  std::mt19937_64 random(1);
  std::vector<double> values = {0,    -0.0,  1,    -1,     0.1,
                                1e15, -1e15, 1e16, 5e-324, 1.7976931348623157e308};
  while (values.size() < 5000) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  const auto back = doubles_of(json_of(values));
  ASSERT_EQ(back.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(back[i], values[i]);
}

TEST(NumberList, IsShort) {
  EXPECT_EQ(json_of(std::vector<double>{}), "[]");
  EXPECT_EQ(json_of(std::vector<double>{1, 2.5, 4.123456}), "[1,2.5,4.123456]");
  EXPECT_EQ(json_of(std::vector<std::optional<int64_t>>{1, std::nullopt, -3}), "[1,null,-3]");
  EXPECT_EQ(json_of(Points{{0, 10}, {1.5, 2}}), "[[0,1.5],[10,2]]");
}

TEST(NumberList, GivesIntegersAndPointsBack) {
  const std::vector<std::optional<int64_t>> integers = {std::nullopt, INT64_MAX, INT64_MIN, 0};
  EXPECT_EQ(integers_of(json_of(integers)), integers);
  const Points points{{0, INT64_MAX}, {0.1, -7}};
  const Points back = points_of(json_of(points));
  EXPECT_EQ(back.times_ns, points.times_ns);
  EXPECT_EQ(back.values, points.values);
  EXPECT_TRUE(points_of("[]").values.empty());
}

TEST(NumberList, NamesTheByteWhereItIsNone) {
  EXPECT_EQ(message_of([] { doubles_of("[1,x]"); }),
            "expected a list of numbers, found something else at byte 3");
  EXPECT_EQ(message_of([] { doubles_of("[1"); }),
            "expected a list of numbers, found something else at byte 2");
  EXPECT_EQ(message_of([] { doubles_of("[1] "); }),
            "expected a list of numbers, found something else at byte 3");
  EXPECT_EQ(message_of([] { integers_of("[1.5]"); }),
            "expected a list of numbers, found something else at byte 2");
  EXPECT_EQ(message_of([] { points_of("[[1]]"); }),
            "expected a list of numbers, found something else at byte 3");
}

}  // namespace
}  // namespace crescent
