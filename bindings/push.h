#pragma once
#include <lua.hpp>

#include <concepts>
#include <iterator>
#include <span>
#include <string_view>

#include "bindings/registry.h"

namespace crescent {

// How C++ values become Lua values: one place, so that results read as lists of fields.

inline void push(lua_State* L, std::same_as<bool> auto value) { lua_pushboolean(L, value); }
/// Lua numbers are doubles: exact up to 2^53, which no count of ours reaches.
template <class Number>
requires(std::integral<Number> || std::floating_point<Number>) &&
    (!std::same_as<Number, bool>)void push(lua_State* L, Number value) {
  lua_pushnumber(L, static_cast<lua_Number>(value));
}
inline void push(lua_State* L, std::string_view value) {
  lua_pushlstring(L, value.data(), value.size());
}
inline void push(lua_State* L, const char* value) { lua_pushstring(L, value); }

/// Calls require(module) with all that is on the stack, the arguments as they were given.
inline int call_library(lua_State* L, const char* module, int results) {
  const int count = lua_gettop(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, module);
  lua_call(L, 1, 1);
  lua_insert(L, 1);
  lua_call(L, count, results);
  return results;
}

/// A new table at the top of the stack, filled field by field. Nothing else may be left above it.
class NewTable {
 public:
  explicit NewTable(lua_State* L) : L_(L) {
    lua_newtable(L);
    index_ = lua_gettop(L);
  }

  template <class V>
  void set(const char* name, const V& value) const {
    push(L_, value);
    lua_setfield(L_, index_, name);
  }
  /// Takes the value at the top of the stack.
  void take(const char* name) const { lua_setfield(L_, index_, name); }
  template <class V>
  void append(const V& value) {
    push(L_, value);
    take_next();
  }
  void take_next() { lua_rawseti(L_, index_, ++count_); }
  /// result.absent[name] = reason: why a figure is missing.
  void absent(const char* name, std::string_view reason) const {
    lua_getfield(L_, index_, "absent");
    if (lua_isnil(L_, -1)) {
      lua_pop(L_, 1);
      lua_newtable(L_);
      lua_pushvalue(L_, -1);
      lua_setfield(L_, index_, "absent");
    }
    push(L_, reason);
    lua_setfield(L_, -2, name);
    lua_pop(L_, 1);
  }

 private:
  lua_State* L_;
  int index_ = 0;
  int count_ = 0;
};

/// Marks the empty table at the top of the stack as a list: JSON would take it for an object.
void mark_empty_list(lua_State* L);

/// Pushes a plain list; each of `values` through `push`.
template <class Range>
void push_list(lua_State* L, const Range& values) {
  NewTable list(L);
  for (const auto& value : values) list.append(value);
  if (std::empty(values)) mark_empty_list(L);
}

/// As `push_list`, for token ids: a plain list that prints as one.
template <class Range>
void push_ids(lua_State* L, const Range& ids) {
  push_list(L, ids);
  set_result(L, "ids");
}

/// An implementation's one result.
template <class V>
int give(const Args& args, const V& value) {
  push(args.L(), value);
  return 1;
}

/// nil and the reason: that something isn't there is no misuse. Gives the count of results.
inline int push_nothing(lua_State* L, std::string_view reason) {
  lua_pushnil(L);
  push(L, reason);
  return 2;
}

/// As `push_list`, with 1 added: positions, layers and heads count from 1 in Lua.
template <class Range>
void push_from_one(lua_State* L, const Range& values) {
  NewTable list(L);
  for (const auto& value : values) list.append(value + 1);
}

/// Turns the plain table at the top of the stack into a read-only view: reading, `#`, pairs and
/// ipairs work, writing is an error that says that `owner` never changes.
void make_view(lua_State* L, const char* owner);

}  // namespace crescent
