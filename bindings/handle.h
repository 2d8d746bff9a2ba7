#pragma once
#include <lua.hpp>

#include <cstdint>
#include <new>
#include <optional>
#include <unordered_set>
#include <utility>

#include "bindings/guard.h"

namespace crescent {

/// Native things that Lua owns. `HandleName<T>::value` is the class ('Model'); the metatable
/// 'crescent.Model' is made by the registry from the api tables. `close()` empties the box at once;
/// the collector empties it else.
template <class T>
struct HandleName;

/// All handles that live, newest first, so that crescent.scope finds what was made inside it.
struct HandleNode {
  HandleNode* newer = nullptr;
  HandleNode* older = nullptr;
  uint64_t serial = 0;
  void (*close)(HandleNode&) = nullptr;
};

template <class T>
struct Box : HandleNode, std::optional<T> {
  explicit Box(T value) : std::optional<T>(std::move(value)) {
    close = [](HandleNode& node) { static_cast<Box&>(node).reset(); };
  }
};

/// Pushes the metatable of a class, made on first use with its methods, fields, __index and __name.
void push_class(lua_State* L, const char* class_name);

/// The serial that the next handle gets.
uint64_t next_handle_serial();
/// Empties the handles with that serial and above, but for those in `keep` (addresses of userdata).
void close_handles_since(uint64_t serial, const std::unordered_set<const void*>& keep);

namespace detail {
/// The userdata at `index` if its metatable is that of the class, else nullptr.
void* test_class(lua_State* L, int index, const char* class_name);

void link(HandleNode& node);
void unlink(HandleNode& node);

/// Leaves an empty box behind: a weak table may show the userdata once more before it goes. Does
/// nothing to a value of another class: the debug library hands this function to scripts.
template <class T>
int collect(lua_State* L) {
  auto* box = static_cast<Box<T>*>(test_class(L, 1, HandleName<T>::value));
  if (!box) return 0;
  box->reset();
  unlink(*box);
  return 0;
}
}  // namespace detail

template <class T>
T& push_handle(lua_State* L, T value) {
  auto* box = new (lua_newuserdata(L, sizeof(Box<T>))) Box<T>(std::move(value));
  push_class(L, HandleName<T>::value);
  lua_pushcfunction(L, &detail::collect<T>);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  detail::link(*box);
  return **box;
}

/// nullptr if the value is not such a handle; the box may be empty (closed).
template <class T>
Box<T>* test_handle(lua_State* L, int index) {
  return static_cast<Box<T>*>(detail::test_class(L, index, HandleName<T>::value));
}

}  // namespace crescent
