#pragma once
#include <lua.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/api/api.h"
#include "bindings/handle.h"

namespace crescent {

/// The arguments of one call, already checked against the function's api entry: kinds, ranges and
/// names are right when an implementation runs, and an option that was not given has its default.
class Args {
 public:
  /// @throws ArgError naming function, argument or option, expected and got.
  Args(lua_State* L, const api::Function& function);

  lua_State* L() const { return L_; }
  const api::Function& function() const { return function_; }

  // Arguments, by position from 1.
  bool has(int index) const { return !lua_isnoneornil(L_, index); }
  double number(int index) const { return lua_tonumber(L_, index); }
  int64_t integer(int index) const { return static_cast<int64_t>(lua_tonumber(L_, index)); }
  bool boolean(int index) const { return lua_toboolean(L_, index) != 0; }
  std::string_view text(int index) const;
  std::vector<int32_t> ids(int index) const;
  int count() const { return count_; }  ///< positional ones, given or not: options don't count
  /// A `dims` argument: one integer, one list, or, where it is variadic, all that follow.
  std::vector<int64_t> integers(int index) const;
  /// @throws ArgError if the handle was closed.
  template <class T>
  T& handle(int index) const {
    Box<T>* box = test_handle<T>(L_, index);
    if (!box || !*box) closed(index, HandleName<T>::value);
    return **box;
  }

  // Options, by name.
  bool has(std::string_view option) const;    ///< given, or with a default
  bool given(std::string_view option) const;  ///< by the caller
  double number(std::string_view option) const;
  int64_t integer(std::string_view option) const;
  bool boolean(std::string_view option) const;
  std::string text(std::string_view option) const;
  std::vector<int32_t> ids(std::string_view option) const;
  /// Pushes the option's value (nil if not given); the caller pops it.
  void push(std::string_view option) const;
  template <class T>
  T* option_handle(std::string_view option) const {  ///< nullptr if not given
    push(option);
    Box<T>* box = test_handle<T>(L_, -1);
    lua_pop(L_, 1);
    if (!box) return nullptr;
    if (!*box) bad(option, "an open handle", "a closed one");
    return &**box;
  }

  /// How messages name an argument: "argument 1 'ids'", counted as the caller wrote them, so that
  /// what stands in front of a colon is none.
  std::string place(int index) const;

  // What an implementation finds wrong itself.
  [[noreturn]] void bad(int index, std::string_view expected, std::string_view got) const;
  [[noreturn]] void bad(std::string_view option, std::string_view expected,
                        std::string_view got) const;
  [[noreturn]] void fail(std::string_view message) const;  ///< 'crescent.load: ' + message

 private:
  /// `tokenizer.encode('x')` in place of `tokenizer:encode('x')`.
  [[noreturn]] void misses_colon(std::string_view expected) const;
  [[noreturn]] void closed(int index, std::string_view class_name) const;
  void check_arguments();
  bool take_options(int index, int given);
  void check_options(int index) const;
  const api::Option& option(std::string_view name) const;

  lua_State* L_;
  const api::Function& function_;
  int options_ = 0;  ///< stack index of the options table; 0: none given
  int count_ = 0;
};

/// How a value reads in a message: `'abc'`, `-1`, `a table`, `a tensor of shape (2, 3)`.
std::string describe(lua_State* L, int index);
/// Words for a class of handles that know more than the class's name; `handle` is the Box.
using DescribeHandle = std::string (*)(const void* handle);
void set_handle_describer(std::string_view class_name, DescribeHandle describe);

/// Whole list at `index` as ids. @throws ArgError naming the first entry that is not an integer >=
/// 0.
std::vector<int32_t> read_ids(lua_State* L, int index, std::string_view what);

}  // namespace crescent
