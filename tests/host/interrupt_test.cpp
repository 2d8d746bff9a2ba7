// Ctrl-C into endless loops of many kinds, most of them compiled by then. After each, the state
// must be whole.
#include "host/interrupt.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "bindings/guard.h"
#include "engine/interrupt.h"
#include "host/state.h"

namespace crescent {
namespace {

constexpr int kRounds = 8;  // of each loop

constexpr const char* kLoops[] = {
    "while true do end",
    "repeat until false",
    "for i = 1, math.huge do end",
    "local x = 0 while true do x = x + 1 end",
    "n = 0 while true do n = n + 1 end",
    "local x = 1.5 while x == x do x = x * 1.0000001 % 7 end",
    "local t = {} while true do for i = 1, 100 do t[i] = (t[i] or 0) + i end end",
    "local s = '' while true do s = s .. 'x' if #s > 300 then s = '' end end",
    "while true do kept = { 1, 2, { 3 } } end",
    "local function f(k) if k == 0 then return 0 end return f(k - 1) end while true do f(50) end",
    "local function g() return g() end g()",
    "local a = 0 while true do local r = math.random() "
    "if r < .3 then a = a + 1 elseif r < .6 then a = a - 1 else a = a * 2 % 7 end end",
    "coroutine.wrap(function() local i = 0 while true do i = i + 1 end end)()",
    "while true do pcall(function() local i = 0 while true do i = i + 1 end end) end",
    "while true do pcall(error, 'x') end",
    "local c = 0 function count() return c end while true do c = c + 1 end",
    "local s = 'a' function text() return s end while true do s = s == 'a' and 'b' or 'a' end",
    "local t = setmetatable({}, { __index = function(_, k) return k * 2 end }) local z = 0 "
    "while true do for i = 1, 9 do z = z + t[i] end end",
    "local p = require('ffi').new('double[64]') while true do for i = 0, 63 do p[i] = p[i] + i end "
    "end",
    "local t = {} for i = 1, 50 do t[i] = i end "
    "while true do table.sort(t, function(a, b) return a > b end) end",
    "while true do string.rep('ab', 50):gsub('a', 'c') end",
    "while true do newproxy(true) end",
};

constexpr const char* kCheck = R"lua(
collectgarbage()
local sum, t = 0, {}
for i = 1, 20000 do sum = sum + i t[i % 97] = 'k' .. i end
assert(sum == 20000 * 20001 / 2)
for _, v in next, t do assert(type(v) == 'string' and v:sub(1, 1) == 'k') end
if rawget(_G, 'count') then assert(type(count()) == 'number') end
if rawget(_G, 'text') then assert(text() == 'a' or text() == 'b') end
if rawget(_G, 'kept') then assert(#kept == 3 and kept[3][1] == 3) end
if rawget(_G, 'n') then assert(type(n) == 'number') end
collectgarbage()
)lua";

/// Sends SIGINT to the Lua thread, `delay_us` after each call of press().
class Sender {
 public:
  Sender() {
    sigset_t held, before;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    pthread_sigmask(SIG_BLOCK, &held, &before);
    thread_ = std::thread([this, target = pthread_self()] {
      for (int seen = 0;;) {
        asked_.wait(seen);
        if (asked_ < 0) return;
        seen = asked_;
        usleep(delay_us_);
        pthread_kill(target, SIGINT);
      }
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~Sender() {
    asked_ = -1;
    asked_.notify_one();
    thread_.join();
  }
  void press(useconds_t delay_us) {
    delay_us_ = delay_us;
    ++asked_;
    asked_.notify_one();
  }

 private:
  std::atomic<int> asked_{0};
  std::atomic<useconds_t> delay_us_{0};
  std::thread thread_;
};

/// The global press() sends one 3 ms later, so that code says where it can come at the earliest.
void add_press(lua_State* L, Sender& sender) {
  lua_pushlightuserdata(L, &sender);
  lua_pushcclosure(
      L,
      [](lua_State* inner) {
        static_cast<Sender*>(lua_touserdata(inner, lua_upvalueindex(1)))->press(3000);
        return 0;
      },
      1);
  lua_setglobal(L, "press");
}

/// Runs a chunk; its error, or "".
std::string run(lua_State* L, const char* code) {
  if (luaL_loadstring(L, code) == 0) {
    make_interruptible(L);
    if (lua_pcall(L, 0, 0, 0) == 0) return "";
  }
  std::string message = lua_tostring(L, -1);
  lua_pop(L, 1);
  return message;
}

TEST(Interrupt, EndsEndlessLoopsAndLeavesTheStateWhole) {
  const State state = new_state();
  lua_State* L = state.get();
  install_interrupts(L, InterruptPolicy::prompt);
  Sender sender;
  unsigned seed = 1;
  for (int round = 0; round < kRounds; ++round)
    for (const char* loop : kLoops) {
      sender.press(static_cast<useconds_t>(rand_r(&seed) % 8000));
      // coroutine.wrap puts a position in front.
      ASSERT_TRUE(run(L, loop).ends_with("interrupted")) << "round " << round << ": " << loop;
      ASSERT_TRUE(settle_interrupt(L));
      ASSERT_EQ(run(L, kCheck), "") << "round " << round << ", after: " << loop;
    }
}

TEST(Interrupt, IsRaisedOnceInAScriptAndMayBeCaught) {
  const State state = new_state();
  lua_State* L = state.get();
  install_interrupts(L, InterruptPolicy::script);
  Sender sender;
  add_press(L, sender);
  EXPECT_EQ(run(L,
                "local good, problem = pcall(function() press() while true do end end) "
                "assert(not good and problem == 'interrupted') "
                "local sum = 0 for i = 1, 1e7 do sum = sum + 1 end assert(sum == 1e7)"),
            "");
  EXPECT_TRUE(settle_interrupt(L));
}

TEST(Interrupt, MayBeCaughtInACoroutineThatGoesOn) {
  const State state = new_state();
  lua_State* L = state.get();
  install_interrupts(L, InterruptPolicy::script);
  Sender sender;
  add_press(L, sender);
  for (int round = 0; round < kRounds; ++round) {
    // The loops behind it leave their traces many times, in the coroutine's own state.
    EXPECT_EQ(run(L,
                  "local kept = 'of the caller' "
                  "local routine = coroutine.create(function(first) "
                  "  local good, problem = pcall(function() "
                  "    press() local i = 0 while true do i = i + 1 end end) "
                  "  assert(not good and problem == 'interrupted') "
                  "  local odd, t = 0, {} "
                  "  for i = 1, 200000 do "
                  "    if i % 3 == 0 then odd = odd + 1 else t[i % 50] = { i } end "
                  "    if i % 50000 == 0 then coroutine.yield(i) end "
                  "  end "
                  "  return odd + first end) "
                  "local good, result, sum = true, 7, 0 "
                  "repeat good, result = coroutine.resume(routine, result) "
                  "  assert(good, result) sum = sum + result "
                  "until coroutine.status(routine) == 'dead' "
                  "assert(sum == 500000 + 66666 + 7, sum) assert(kept == 'of the caller')"),
              "")
        << "round " << round;
    EXPECT_TRUE(settle_interrupt(L));
    EXPECT_EQ(run(L, kCheck), "") << "round " << round;
  }
}

TEST(Interrupt, EndsAScriptThatCatchesTheFirst) {
  const State state = new_state();
  lua_State* L = state.get();
  install_interrupts(L, InterruptPolicy::script);
  Sender sender;
  add_press(L, sender);
  // Every turn sends one: the first is caught, the second is not.
  EXPECT_EQ(run(L,
                "caught = 0 while true do press() pcall(function() while true do end end) "
                "caught = caught + 1 end"),
            "interrupted");
  EXPECT_TRUE(settle_interrupt(L));
  EXPECT_EQ(run(L, "assert(caught == 1)"), "");
}

int long_native_call(lua_State*) {
  for (;;) check_interrupt();
}

TEST(Interrupt, LeavesNativeLoopsThatAskForIt) {
  const State state = new_state();
  lua_State* L = state.get();
  install_interrupts(L, InterruptPolicy::script);
  lua_pushcfunction(L, &guarded<long_native_call>);
  lua_setglobal(L, "native");
  Sender sender;
  add_press(L, sender);
  EXPECT_EQ(run(L,
                "local good, problem = pcall(function() press() native() end) assert(problem == "
                "'interrupted') "
                "for i = 1, 1000 do end"),
            "");
  EXPECT_FALSE(interrupt_requested);
  EXPECT_TRUE(settle_interrupt(L));
}

TEST(Interrupt, GoesToTheLuaThreadWhicheverThreadTheSignalReaches) {
  const State state = new_state();
  lua_State* L = state.get();
  install_interrupts(L, InterruptPolicy::prompt);
  std::atomic<bool> end{false};
  std::thread worker([&] {
    usleep(3000);
    raise(SIGINT);  // in this thread
    while (!end) usleep(1000);
  });
  EXPECT_EQ(run(L, "while true do end"), "interrupted");
  end = true;
  worker.join();
  EXPECT_TRUE(settle_interrupt(L));
}

TEST(Interrupt, IsForgottenOnceSettled) {
  const State state = new_state();
  lua_State* L = state.get();
  install_interrupts(L, InterruptPolicy::prompt);
  raise(SIGINT);
  EXPECT_TRUE(settle_interrupt(L));
  EXPECT_FALSE(settle_interrupt(L));
  EXPECT_EQ(run(L, kCheck), "");
}

}  // namespace
}  // namespace crescent
