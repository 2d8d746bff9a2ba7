#include "bindings/registry.h"

#include <gtest/gtest.h>

#include "bindings/core/core.h"

namespace crescent {
namespace {

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The registry exists once in a process: the first case meets it empty, so they stand in one test.
TEST(Registry, DemandsExactlyTheDeclaredFunctions) {
  EXPECT_EQ(error_of([] {
              provide({{"crescent.nope", nullptr}});
            }),
            "binding 'crescent.nope' is not declared in bindings/api");
  const std::string missing = error_of([] { finish_home(api::Home::core); });
  EXPECT_TRUE(missing.starts_with("declared in bindings/api but not provided:")) << missing;
  EXPECT_NE(missing.find(" crescent.threads"), std::string::npos) << missing;
  EXPECT_EQ(error_of(register_core), "no error");
}

TEST(Registry, SaysThatThereIsNoEngine) {
  set_engine_loader(nullptr);
  EXPECT_EQ(error_of(ensure_engine), "this program has no engine library");
  EXPECT_FALSE(engine_loaded());
}

}  // namespace
}  // namespace crescent
