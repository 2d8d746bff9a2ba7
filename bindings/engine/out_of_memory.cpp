#include "bindings/engine/out_of_memory.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <cstdlib>
#include <new>
#include <string>

#include "bindings/pressure.h"
#include "engine/memory.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

// What LibTorch's CPU allocator says; it has no type of its own for it.
constexpr std::string_view kAllocator = "DefaultCPUAllocator: ";
constexpr std::string_view kAsked = "tried to allocate ";
// Below this a size isn't worth a look at /proc.
constexpr int64_t kWorthAsking = int64_t{64} << 20;

std::string short_text(const std::exception& error) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  return torch ? torch->what_without_backtrace() : error.what();
}

/// The number in LibTorch's sentence; 0 if there is none.
int64_t bytes_asked(const std::exception& error) {
  const std::string text = short_text(error);
  const size_t at = text.find(kAsked);
  return at == std::string::npos ? 0 : std::atoll(text.c_str() + at + kAsked.size());
}

std::string held_words() {
  return fmt::format(
      "Lua's tensors hold {}, its sessions {}, the whole process {} (close() and crescent.scope "
      "free at once)",
      readable_bytes(pressure().bytes()), readable_bytes(pressure().session_bytes()),
      readable_bytes(process_memory().rss_bytes));
}

}  // namespace

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error)) return true;
  if (dynamic_cast<const OutOfMemory*>(&error)) return true;
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error)) return true;
  return dynamic_cast<const c10::Error*>(&error) &&
         short_text(error).find(kAllocator) != std::string::npos;
}

void free_what_can_be_freed(lua_State* L) {
  // LibTorch's CUDA allocator empties its own cache before it reports that memory ran out.
  lua_gc(L, LUA_GCCOLLECT, 0);
  pressure().collected();
}

void collect_if_due(lua_State* L) {
  if (pressure().due()) free_what_can_be_freed(L);
}

void report_out_of_memory(const Args& args, const std::exception& error) {
  if (dynamic_cast<const OutOfMemory*>(&error))
    args.fail(fmt::format("not enough memory: {}; {}", error.what(), held_words()));
  const int64_t asked = bytes_asked(error);
  args.fail(fmt::format("not enough memory{}: {}",
                        asked > 0 ? fmt::format(" for {} more", readable_bytes(asked)) : "",
                        held_words()));
}

void ask_for_memory(const Args& args, int64_t bytes) {
  if (bytes < kWorthAsking || bytes <= memory_available_bytes()) return;
  free_what_can_be_freed(args.L());
  const int64_t free = memory_available_bytes();
  if (bytes <= free) return;
  args.fail(fmt::format("not enough memory: needs {}, {} are free; {}", readable_bytes(bytes),
                        readable_bytes(free), held_words()));
}

}  // namespace crescent
