#pragma once
#include <exception>
#include <utility>

#include "bindings/args.h"

namespace crescent {

/// Is this LibTorch's way, or the standard library's, of saying that memory ran out?
bool is_out_of_memory(const std::exception& error);
/// Runs the collector fully, and empties what the device allocators keep.
void free_what_can_be_freed(lua_State* L);
/// Does so if Lua holds more than the ceiling (pressure.h). Before a push of something heavy.
void collect_if_due(lua_State* L);
/// @throws ArgError with the bytes that were asked for, and what is held by whom.
[[noreturn]] void report_out_of_memory(const Args& args, const std::exception& error);

/// Runs `work`; if memory runs out, collects and tries once more. `work` must be repeatable and
/// must not leave anything on the Lua stack.
template <class Work>
auto with_memory(const Args& args, Work&& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
  }
  free_what_can_be_freed(args.L());
  try {
    return work();
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    report_out_of_memory(args, error);
  }
}

/// Asked before memory is taken, because the kernel grants it first and kills later. Collects if
/// that helps. @throws ArgError naming bytes needed and free.
void ask_for_memory(const Args& args, int64_t bytes);

}  // namespace crescent
