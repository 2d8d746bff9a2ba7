#include "host/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "bindings/guard.h"
#include "engine/interrupt.h"
#include "host/trace_exits.h"

namespace crescent {
namespace {

constexpr int kHookMask = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
constexpr long kTickNs = 20'000'000;    // a loop that is still running then has no guards
constexpr int kTicksToTheEnd = 50;      // a second for what the second Ctrl-C ends
constexpr int kTicksToTheWarning = 50;  // at the prompt, without an answer
constexpr int kTicksToRead = 25;
constexpr int kTicksOfPatience = 250;  // presses further apart than 5 s are no demand to end
constexpr int kPressesToTheEnd = 3;
constexpr int kExitInterrupted = 130;  // 128 + SIGINT, as shells say it

lua_State* state = nullptr;
InterruptPolicy policy = InterruptPolicy::script;
pthread_t lua_thread;
timer_t timer;
std::atomic<int> presses{0};
std::atomic<int> ticks{0};
std::atomic<bool> heard{true};  ///< Lua or a native loop has met the last press
std::atomic<int> waited{0};     ///< ticks since the first press that nothing has met

bool sticky() { return policy == InterruptPolicy::prompt || presses >= 2; }

void set_timer(long ns) {
  const itimerspec spec{.it_interval = {0, ns}, .it_value = {0, ns}};
  timer_settime(timer, 0, &spec, nullptr);
}

template <size_t N>
void say(const char (&text)[N]) {  // async-signal-safe
  if (write(STDERR_FILENO, text, N - 1) < 0) return;
}

/// For what no Ctrl-C reaches: a pattern that backtracks for years, a read from a terminal.
void warn_of_native_call() {
  say("\ncrescent: waiting for a native call that can't be interrupted (io.read, a long pattern "
      "match); a third Ctrl-C ends crescent\n");
}

/// The prompt's way out of a native call: the third press, once there was time to read the warning.
void end_if_asked() {
  if (heard || presses < kPressesToTheEnd || waited < kTicksToTheWarning + kTicksToRead) return;
  say("\ncrescent: ended by Ctrl-C, because a native call did not return\n");
  _exit(kExitInterrupted);
}

/// Handlers change code and tables that LuaJIT changes too while it flushes.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGRTMIN);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

/// The request has become an error. No changed code may be left where Lua goes on.
void answered(lua_State* running) {
  const SignalsHeld held;
  heard = true;
  trace_exits::flush(running);
  if (sticky()) return;
  interrupt_requested = false;
  set_timer(0);
}

void on_hook(lua_State* L, lua_Debug*) {
  if (!interrupt_requested) {  // a native loop has raised it already
    lua_sethook(L, nullptr, 0, 0);
    return;
  }
  answered(L);
  lua_pushliteral(L, "interrupted");
  lua_error(L);
}

void on_sigint(int) {
  if (!pthread_equal(pthread_self(), lua_thread)) {  // the kernel chose a worker of LibTorch's
    pthread_kill(lua_thread, SIGINT);
    return;
  }
  const int saved = errno;
  if (policy == InterruptPolicy::prompt && ticks > kTicksOfPatience) {
    presses = 0;
    heard = true;
  }
  presses = presses + 1;
  ticks = 0;
  if (policy == InterruptPolicy::prompt) end_if_asked();
  if (heard) waited = 0;
  heard = false;
  interrupt_requested = true;
  lua_sethook(state, on_hook, kHookMask, 1);  // first: an open guard must end in a hook
  trace_exits::open_guards();
  set_timer(kTickNs);
  errno = saved;
}

void on_tick(int) {
  if (!interrupt_requested) return;
  const int saved = errno;
  ticks = ticks + 1;
  if (policy == InterruptPolicy::script && presses >= 2 && ticks >= kTicksToTheEnd)
    _exit(kExitInterrupted);
  waited = waited + 1;
  if (policy == InterruptPolicy::prompt && !heard && waited == kTicksToTheWarning)
    warn_of_native_call();
  lua_sethook(state, on_hook, kHookMask, 1);
  trace_exits::open_guards();
  trace_exits::trap_heads();
  errno = saved;
}

void on_trap(int, siginfo_t*, void* context) {
  if (trace_exits::take_trap(context)) return;
  signal(SIGTRAP, SIG_DFL);  // somebody else's: the default action, or a debugger, takes it
  raise(SIGTRAP);
}

void take_signal(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // a write of a file must not fail because a key was pressed
  sigfillset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

void make_timer() {
  struct sigevent event {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGRTMIN;
  event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
    fail("interrupts: timer_create failed with error number {}", errno);
}

}  // namespace

void install_interrupts(lua_State* L, InterruptPolicy chosen) {
  if (!state) make_timer();
  state = L;
  policy = chosen;
  lua_thread = pthread_self();
  settle_interrupt(L);
  trace_exits::follow(L);
  set_interrupted_listener(answered);
  take_signal(SIGRTMIN, on_tick);
  struct sigaction trap {};
  trap.sa_sigaction = on_trap;
  trap.sa_flags = SA_SIGINFO | SA_RESTART;
  sigfillset(&trap.sa_mask);
  sigaction(SIGTRAP, &trap, nullptr);
  take_signal(SIGINT, on_sigint);
}

bool settle_interrupt(lua_State* L) {
  if (!state) return false;
  const SignalsHeld held;
  const bool was = presses.exchange(0) > 0;
  heard = true;
  interrupt_requested = false;
  set_timer(0);
  lua_sethook(L, nullptr, 0, 0);
  trace_exits::flush(L);
  return was;
}

void make_interruptible(lua_State* L) {
  if (!trace_exits::supported()) luaJIT_setmode(L, -1, LUAJIT_MODE_ALLFUNC | LUAJIT_MODE_OFF);
}

}  // namespace crescent
