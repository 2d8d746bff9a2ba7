#pragma once
#include <lua.hpp>

#include <new>
#include <optional>
#include <utility>

#include "bindings/guard.h"

namespace crescent {

/// Native things that Lua owns. `HandleName<T>::value` is the class ('Model'); the metatable
/// 'crescent.Model' is made by the registry from the api tables. `close()` empties the box at once;
/// the collector empties it else.
template <class T>
struct HandleName;

template <class T>
using Box = std::optional<T>;

/// Pushes the metatable of a class, made on first use with its methods, fields, __index and __name.
void push_class(lua_State* L, const char* class_name);

namespace detail {
/// The userdata at `index` if its metatable is that of the class, else nullptr.
void* test_class(lua_State* L, int index, const char* class_name);

template <class T>
int collect(lua_State* L) {
  static_cast<Box<T>*>(lua_touserdata(L, 1))->~Box<T>();
  return 0;
}
}  // namespace detail

template <class T>
T& push_handle(lua_State* L, T value) {
  auto* box = static_cast<Box<T>*>(lua_newuserdata(L, sizeof(Box<T>)));
  new (box) Box<T>(std::move(value));
  push_class(L, HandleName<T>::value);
  lua_pushcfunction(L, &detail::collect<T>);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return **box;
}

/// nullptr if the value is not such a handle; the box may be empty (closed).
template <class T>
Box<T>* test_handle(lua_State* L, int index) {
  return static_cast<Box<T>*>(detail::test_class(L, index, HandleName<T>::value));
}

}  // namespace crescent
