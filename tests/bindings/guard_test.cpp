#include "bindings/guard.h"

#include <gtest/gtest.h>

#include <memory>

#include "bindings/callback.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

int alive = 0;

struct Counted {
  Counted() { ++alive; }
  ~Counted() { --alive; }
};

int throw_error(lua_State*) {
  const Counted counted;
  throw Error("head 3 is missing");
}

int throw_lua_error(lua_State* L) {
  const Counted counted;
  lua_newtable(L);
  lua_pushliteral(L, "mine");
  lua_setfield(L, -2, "kind");
  return lua_error(L);
}

int throw_long(lua_State*) { throw Error(std::string(10000, 'x')); }

int throw_interrupted(lua_State*) { throw Interrupted(); }

int call_back(lua_State* L) {
  const Counted counted;
  const Callback callback(L, 1);
  callback.call(1, [](lua_State* state) {
    lua_pushinteger(state, 20);
    return 1;
  });
  return 1;
}

class Guard : public testing::Test {
 protected:
  void SetUp() override {
    alive = 0;
    luaL_openlibs(L);
    set("throw_error", &guarded<throw_error>);
    set("throw_lua_error", &guarded<throw_lua_error>);
    set("throw_long", &guarded<throw_long>);
    set("throw_interrupted", &guarded<throw_interrupted>);
    set("call_back", &guarded<call_back>);
  }
  void TearDown() override { lua_close(L); }
  void set(const char* name, lua_CFunction function) { lua_register(L, name, function); }
  /// Runs code that asserts; its error, or "".
  std::string run(const char* code) {
    if (luaL_dostring(L, code) == 0) return "";
    return lua_tostring(L, -1);
  }

  lua_State* L = luaL_newstate();
};

TEST_F(Guard, TurnsExceptionsIntoErrorsOnTheCallersLine) {
  EXPECT_EQ(run("\n\nthrow_error()"), "[string \"...\"]:3: head 3 is missing");
  EXPECT_EQ(alive, 0);
}

TEST_F(Guard, TurnsExceptionsIntoErrorsInCoroutines) {
  EXPECT_EQ(run("local co = coroutine.create(function() throw_error() end) "
                "local good, problem = coroutine.resume(co) "
                "assert(not good and problem:find('head 3 is missing', 1, true), problem)"),
            "");
  EXPECT_EQ(alive, 0);
}

TEST_F(Guard, TurnsExceptionsIntoErrorsInCompiledLoops) {
  EXPECT_EQ(run("for i = 1, 1000 do assert(not pcall(throw_error)) end"), "");
  EXPECT_EQ(alive, 0);
}

TEST_F(Guard, LetsLuaErrorsPassAsTheyAre) {
  EXPECT_EQ(run("local good, problem = pcall(throw_lua_error) "
                "assert(not good and problem.kind == 'mine')"),
            "");
  EXPECT_EQ(alive, 0) << "destructors run on the way";
}

TEST_F(Guard, CutsMessagesThatDoNotFit) {
  EXPECT_EQ(run("local good, problem = pcall(throw_long) "
                "assert(#problem > 1000 and #problem < 10000, #problem)"),
            "");
}

TEST_F(Guard, RaisesInterruptsWithoutAPosition) {
  static int heard;
  heard = 0;
  set_interrupted_listener([](lua_State*) { ++heard; });
  EXPECT_EQ(run("throw_interrupted()"), "interrupted");
  set_interrupted_listener(nullptr);
  EXPECT_EQ(heard, 1);
}

TEST_F(Guard, GivesCallbacksTheirArgumentsAndResults) {
  EXPECT_EQ(run("assert(call_back(function(x) return x + 1 end) == 21)"), "");
}

TEST_F(Guard, RethrowsWhatACallbackThrew) {
  EXPECT_EQ(run("local mine = {} "
                "local good, problem = pcall(call_back, function() error(mine) end) "
                "assert(not good and problem == mine)"),
            "");
  EXPECT_EQ(run("call_back(function() error('layer 2 has no mask', 0) end)"),
            "layer 2 has no mask");
  EXPECT_EQ(alive, 0);
}

TEST_F(Guard, HoldsACallbackOnlyWhileItIsNeeded) {
  EXPECT_EQ(run("local seen = setmetatable({}, { __mode = 'k' }) "
                "do local f = function(x) return x end seen[f] = true call_back(f) end "
                "collectgarbage() collectgarbage() assert(next(seen) == nil)"),
            "");
}

}  // namespace
}  // namespace crescent
