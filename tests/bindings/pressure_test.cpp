#include "bindings/pressure.h"

#include <gtest/gtest.h>

namespace crescent {
namespace {

constexpr int64_t kMegabyte = 1'000'000;
const char storages[16] = {};  // addresses that stand for storages

TEST(Pressure, CountsAStorageOnceHoweverManyHandlesShareIt) {
  Pressure pressure;
  pressure.hold(&storages[0], kMegabyte);
  pressure.hold(&storages[0], kMegabyte);
  pressure.hold(&storages[1], 2 * kMegabyte);
  EXPECT_EQ(pressure.bytes(), 3 * kMegabyte);
  EXPECT_EQ(pressure.storages(), 2);
  EXPECT_EQ(pressure.handles(), 3);
}

TEST(Pressure, KeepsAStorageUntilItsLastHandleGoes) {
  Pressure pressure;
  pressure.hold(&storages[0], kMegabyte);
  pressure.hold(&storages[0], kMegabyte);
  pressure.release(&storages[0]);
  EXPECT_EQ(pressure.bytes(), kMegabyte);
  pressure.release(&storages[0]);
  EXPECT_EQ(pressure.bytes(), 0);
  EXPECT_EQ(pressure.storages(), 0);
  EXPECT_EQ(pressure.handles(), 0);
}

TEST(Pressure, CountsAReusedAddressAnew) {
  Pressure pressure;
  pressure.hold(&storages[0], kMegabyte);
  pressure.release(&storages[0]);
  pressure.hold(&storages[0], 5 * kMegabyte);
  EXPECT_EQ(pressure.bytes(), 5 * kMegabyte);
}

TEST(Pressure, IgnoresTheReleaseOfWhatItNeverHeld) {
  Pressure pressure;
  pressure.release(&storages[0]);
  EXPECT_EQ(pressure.handles(), 0);
  EXPECT_EQ(pressure.bytes(), 0);
}

TEST(Pressure, AsksForACollectionOnlyAboveTheCeiling) {
  Pressure pressure(10 * kMegabyte);
  pressure.hold(&storages[0], 9 * kMegabyte);
  EXPECT_FALSE(pressure.due());
  pressure.hold(&storages[1], 2 * kMegabyte);
  EXPECT_TRUE(pressure.due());
}

TEST(Pressure, AsksForACollectionWhenViewsAloneGrowTooMany) {
  Pressure pressure(100 * Pressure::kHandleBytes);
  for (int i = 0; i < 100; ++i) pressure.hold(&storages[0], 0);
  EXPECT_FALSE(pressure.due());
  pressure.hold(&storages[0], 0);
  EXPECT_TRUE(pressure.due());
}

TEST(Pressure, CountsSessionsBesideTensors) {
  Pressure pressure(10 * kMegabyte);
  pressure.hold(&storages[0], 6 * kMegabyte);
  pressure.hold_session(6 * kMegabyte);
  EXPECT_EQ(pressure.sessions(), 1);
  EXPECT_EQ(pressure.session_bytes(), 6 * kMegabyte);
  EXPECT_EQ(pressure.bytes(), 6 * kMegabyte) << "tensors alone";
  EXPECT_TRUE(pressure.due());
  pressure.release_session(6 * kMegabyte);
  EXPECT_EQ(pressure.sessions(), 0);
  EXPECT_EQ(pressure.session_bytes(), 0);
  EXPECT_FALSE(pressure.due());
}

TEST(Pressure, LeavesTheCeilingWhenACollectionFreesEnough) {
  Pressure pressure(10 * kMegabyte);
  pressure.hold(&storages[0], 7 * kMegabyte);
  pressure.collected();
  EXPECT_EQ(pressure.ceiling_bytes(), 10 * kMegabyte);
}

TEST(Pressure, RaisesTheCeilingByFortyPercentWhenMostSurvives) {
  Pressure pressure(10 * kMegabyte);
  pressure.hold(&storages[0], 9 * kMegabyte);
  pressure.collected();
  EXPECT_EQ(pressure.ceiling_bytes(), 14 * kMegabyte);
}

TEST(Pressure, RaisesTheCeilingAboveWhatIsAlreadyHeldInOneStep) {
  Pressure pressure(10 * kMegabyte);
  pressure.hold(&storages[0], 100 * kMegabyte);
  EXPECT_TRUE(pressure.due());
  pressure.collected();
  EXPECT_FALSE(pressure.due());
  EXPECT_GE(pressure.ceiling_bytes(), 140 * kMegabyte);
}

TEST(ModelMemory, IsNothingUntilSomeoneCounts) {
  set_model_memory(nullptr);
  EXPECT_EQ(model_memory().models, 0);
  set_model_memory(
      [] { return ModelMemory{.models = 2, .bytes_stored = 10, .bytes_widened = 20}; });
  EXPECT_EQ(model_memory().models, 2);
  EXPECT_EQ(model_memory().bytes_widened, 20);
  set_model_memory(nullptr);
}

}  // namespace
}  // namespace crescent
