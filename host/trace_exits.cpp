#include "host/trace_exits.h"

#if defined(__x86_64__) && defined(__linux__)

#  include <sys/mman.h>
#  include <ucontext.h>

#  include <array>
#  include <atomic>
#  include <cstdint>
#  include <cstring>

namespace crescent::trace_exits {
namespace {

struct Trace {
  uint8_t* code = nullptr;  ///< nullptr: none of this number
  uint32_t bytes = 0;
  int32_t loop = 0;            ///< offset of the loop's start; 0: the trace ends in a link
  int32_t behind_number = -1;  ///< offset behind the store of the trace's number; -1: not found
};

/// Exit stubs come in groups of equal spacing, shared by all traces.
struct StubRange {
  uint8_t* first = nullptr;
  uint8_t* last = nullptr;
};

// x86-64 opcodes, Intel SDM volume 2.
constexpr uint8_t kNop = 0x90, kJmp = 0xe9, kTrap = 0xcc, kTwoByte = 0x0f, kJpShort = 0x7a;
constexpr ptrdiff_t kJmpBytes = 5, kJccBytes = 6;  // with a 32-bit displacement
constexpr ptrdiff_t kStubSpacing = 4;              // push imm8; jmp rel8
constexpr size_t kPageBytes = 4096;

// LuaJIT numbers traces with 16 bits and exits below 512. The handler reads these tables while the
// thread that writes them stands still, so that order, not locking, is what they need.
std::array<Trace, 65536> traces;
std::array<StubRange, 512> ranges;
volatile int traces_end = 0;
volatile int ranges_end = 0;
std::atomic<bool> changed{false};

void keep_order() { std::atomic_signal_fence(std::memory_order_seq_cst); }

/// Left writable until flush(): LuaJIT itself may be half way through writing to this page.
bool make_writable(const Trace& trace) {
  const size_t before = reinterpret_cast<uintptr_t>(trace.code) & (kPageBytes - 1);
  const size_t bytes = (before + trace.bytes + kPageBytes - 1) & ~(kPageBytes - 1);
  return mprotect(trace.code - before, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) == 0;
}

bool is_stub(const uint8_t* target) {
  for (int i = 0; i < ranges_end; ++i)
    if (target >= ranges[i].first && target <= ranges[i].last &&
        (target - ranges[i].first) % kStubSpacing == 0)
      return true;
  return false;
}

/// Where a jump goes whose 32-bit displacement is at `at`.
const uint8_t* target_of(const uint8_t* at) {
  int32_t displacement;
  std::memcpy(&displacement, at, sizeof displacement);
  return at + sizeof displacement + displacement;
}

bool jumps_short_to(const uint8_t* at, const uint8_t* target) {
  return at + 2 + static_cast<int8_t>(at[1]) == target;
}

/// `jcc stub` becomes `nop; jmp stub`, which has the same length and displacement.
void open_exits(const Trace& trace) {
  const uint8_t* end = trace.code + trace.bytes;
  for (uint8_t* p = trace.code; p + kJccBytes <= end;) {
    if (p[0] == kTwoByte && (p[1] & 0xf0) == 0x80 && is_stub(target_of(p + 2))) {
      p[1] = kJmp;
      p[0] = kNop;
      p += kJccBytes;
    } else {
      ++p;
    }
  }
}

/// A loop may end in an inverted guard: `jcc loop; jmp stub`, with `jp loop` in front of it for
/// floating-point comparisons, long or short. Without the jumps back, the stub is what is left.
void open_loop_end(const Trace& trace) {
  uint8_t* end = trace.code + trace.bytes;
  const uint8_t* loop = trace.code + trace.loop;
  if (end - loop < kJmpBytes + 2 || end[-kJmpBytes] != kJmp || !is_stub(target_of(end - 4))) return;
  uint8_t* jump = end - kJmpBytes;
  for (int branches = 0; branches < 2; ++branches) {
    if (jump - 2 >= loop && (jump[-2] & 0xf0) == 0x70 && jumps_short_to(jump - 2, loop)) {
      if (branches == 1 && jump[-2] != kJpShort) return;
      jump -= 2;
      std::memset(jump, kNop, 2);
    } else if (jump - kJccBytes >= loop && jump[-kJccBytes] == kTwoByte &&
               (jump[1 - kJccBytes] & 0xf0) == 0x80 && target_of(jump - 4) == loop) {
      jump -= kJccBytes;
      std::memset(jump, kNop, kJccBytes);
    } else {
      return;
    }
  }
}

/// Exit stubs find the trace's number in the VM's state, where its first instructions store it:
/// `mov dword [r14 + disp32], number`. A trap in front of that would exit from the trace before.
int32_t behind_number(const uint8_t* code, uint32_t bytes, int32_t number) {
  constexpr uint32_t kStoreBytes = 11, kPrologueBytes = 32;
  for (uint32_t i = 0; i + kStoreBytes < bytes && i < kPrologueBytes; ++i) {
    if (code[i] != 0x41 || code[i + 1] != 0xc7 || code[i + 2] != 0x86) continue;
    int32_t stored;
    std::memcpy(&stored, code + i + 7, sizeof stored);
    if (stored == number) return static_cast<int32_t>(i + kStoreBytes);
  }
  return -1;
}

uint8_t* address(lua_State* L, int index) {
  const auto number = static_cast<uintptr_t>(lua_tonumber(L, index));
  return reinterpret_cast<uint8_t*>(number);  // NOLINT: jit.util gives addresses as numbers
}

/// note_trace(number, code, bytes, loop, is_root)
int note_trace(lua_State* L) {
  const auto number = lua_tointeger(L, 1);
  if (number < 0 || number >= static_cast<lua_Integer>(traces.size())) return 0;
  uint8_t* code = address(L, 2);
  Trace& trace = traces[number];
  trace.code = nullptr;
  keep_order();
  trace.bytes = static_cast<uint32_t>(lua_tointeger(L, 3));
  trace.loop = static_cast<int32_t>(lua_tointeger(L, 4));
  trace.behind_number =
      lua_toboolean(L, 5) ? behind_number(code, trace.bytes, static_cast<int32_t>(number)) : -1;
  keep_order();
  trace.code = code;
  if (number >= traces_end) traces_end = static_cast<int>(number) + 1;
  return 0;
}

/// note_stub(address): stubs are told in the order of their exits' numbers.
int note_stub(lua_State* L) {
  uint8_t* stub = address(L, 1);
  const int end = ranges_end;
  if (end > 0 && ranges[end - 1].last + kStubSpacing == stub) {
    ranges[end - 1].last = stub;
  } else if (end < static_cast<int>(ranges.size())) {
    ranges[end] = {stub, stub};
    keep_order();
    ranges_end = end + 1;
  }
  return 0;
}

int note_flush(lua_State*) {
  ranges_end = 0;
  const int end = traces_end;
  traces_end = 0;
  keep_order();
  for (int i = 0; i < end; ++i) traces[i] = Trace{};
  return 0;
}

constexpr const char* kFollow = R"lua(
local note_trace, note_stub, note_flush, util = ...
local stubs = 0
local function unsigned(address) return address < 0 and address + 2 ^ 32 or address end
local function follow(event, number, _, _, parent)
  if event == 'flush' then       -- frees the stubs too
    stubs = 0
    note_flush()
  elseif event == 'stop' then
    local code, address, loop = util.tracemc(number)
    if not code then return end
    for exit = stubs, util.traceinfo(number).nexit - 1 do
      local stub = util.traceexitstub(exit)
      if not stub then break end
      note_stub(unsigned(stub))
      stubs = exit + 1
    end
    note_trace(number, unsigned(address), #code, loop, not parent)
  end
end
jit.off(follow, true)
jit.attach(follow, 'trace')
)lua";

}  // namespace

bool supported() { return true; }

void follow(lua_State* L) {
  note_flush(L);
  if (luaL_loadbuffer(L, kFollow, std::strlen(kFollow), "=crescent/trace_exits") != 0) lua_error(L);
  lua_pushcfunction(L, note_trace);
  lua_pushcfunction(L, note_stub);
  lua_pushcfunction(L, note_flush);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "jit.util");
  lua_call(L, 1, 1);
  lua_call(L, 4, 0);
}

void open_guards() {
  for (int i = 0; i < traces_end; ++i) {
    const Trace& trace = traces[i];
    if (!trace.code || !make_writable(trace)) continue;
    changed = true;
    open_exits(trace);
    if (trace.loop > 0) open_loop_end(trace);
  }
}

void trap_heads() {
  for (int i = 0; i < traces_end; ++i) {
    const Trace& trace = traces[i];
    if (!trace.code || trace.behind_number < 0 || !make_writable(trace)) continue;
    changed = true;
    trace.code[trace.behind_number] = kTrap;
    if (trace.loop > 0) trace.code[trace.loop] = kTrap;
  }
}

bool take_trap(void* context) {
  auto& ip = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  const auto* at = reinterpret_cast<const uint8_t*>(ip) - 1;  // NOLINT: a register is a number
  for (int i = 0; i < traces_end; ++i) {
    const Trace& trace = traces[i];
    if (!trace.code || trace.behind_number < 0 || ranges_end == 0) continue;
    if (at != trace.code + trace.behind_number &&
        (trace.loop <= 0 || at != trace.code + trace.loop))
      continue;
    ip = reinterpret_cast<greg_t>(ranges[0].first);
    return true;
  }
  return false;
}

void flush(lua_State* L) {
  if (changed.exchange(false)) luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
}

}  // namespace crescent::trace_exits

#else

namespace crescent::trace_exits {

bool supported() { return false; }
void follow(lua_State*) {}
void open_guards() {}
void trap_heads() {}
bool take_trap(void*) { return false; }
void flush(lua_State*) {}

}  // namespace crescent::trace_exits

#endif
