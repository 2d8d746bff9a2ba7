#include "bindings/args.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>

#include "engine/nearest.h"

namespace crescent {
namespace {

const char* class_of(api::Kind kind) {
  switch (kind) {
    case api::Kind::tensor: return "Tensor";
    case api::Kind::model: return "Model";
    case api::Kind::session: return "Session";
    case api::Kind::plan: return "Plan";
    case api::Kind::store: return "Store";
    case api::Kind::profiling: return "Profiling";
    case api::Kind::sweep: return "Sweep";
    case api::Kind::child: return "Child";
    case api::Kind::channel: return "Channel";
    case api::Kind::tokenizer: return "Tokenizer";
    default: return nullptr;
  }
}

bool in_range(const api::Value& value, double x) {
  if (value.low_open ? x <= value.low : x < value.low) return false;
  if (value.high_open ? x >= value.high : x > value.high) return false;
  return true;
}

bool is_integer(double x) { return std::floor(x) == x && std::abs(x) <= 9007199254740992.0; }

/// A table without named keys, so that a list of sizes and a table of options can't be confused.
bool is_list(lua_State* L, int index) {
  if (!lua_istable(L, index)) return false;
  if (lua_objlen(L, index) > 0) return true;
  lua_pushvalue(L, index);
  lua_pushnil(L);
  const bool named = lua_next(L, -2) != 0;
  lua_pop(L, named ? 3 : 1);
  return !named;
}

/// Words of classes whose handles know more than the class's name.
std::map<std::string, DescribeHandle, std::less<>>& describers() {
  static std::map<std::string, DescribeHandle, std::less<>> instance;
  return instance;
}

/// How many arguments the caller writes elsewhere: the subject of 'model:forward', 'model.params'
/// and 'tensor[position]' is one.
int subjects_of(const api::Function& function) {
  if (function.args.empty()) return 0;
  const std::string_view subject = function.args.front().name;
  if (!function.name.starts_with(subject) || function.name.size() == subject.size()) return 0;
  return std::string_view(":.[").find(function.name[subject.size()]) == std::string_view::npos ? 0
                                                                                               : 1;
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// Does the value at `index` fit? Lists are looked at when they are read, not here.
bool fits(lua_State* L, int index, const api::Value& value) {
  const int type = lua_type(L, index);
  switch (value.kind) {
    case api::Kind::any: return type != LUA_TNONE;
    case api::Kind::boolean: return type == LUA_TBOOLEAN;
    case api::Kind::number: return type == LUA_TNUMBER && in_range(value, lua_tonumber(L, index));
    case api::Kind::integer:
      return type == LUA_TNUMBER && is_integer(lua_tonumber(L, index)) &&
             in_range(value, lua_tonumber(L, index));
    case api::Kind::text: return type == LUA_TSTRING;
    case api::Kind::table:
    case api::Kind::ids: return type == LUA_TTABLE;
    case api::Kind::function: return type == LUA_TFUNCTION;
    case api::Kind::text_or_ids: return type == LUA_TSTRING || type == LUA_TTABLE;
    case api::Kind::tensors: return type == LUA_TTABLE;
    case api::Kind::dims:
      return type == LUA_TNUMBER ? is_integer(lua_tonumber(L, index)) : is_list(L, index);
    case api::Kind::choice: {
      if (type != LUA_TSTRING) return false;
      const std::string_view given = lua_tostring(L, index);
      for (auto choice : value.choices)
        if (choice == given) return true;
      return false;
    }
    case api::Kind::tensor_or_number:
      return type == LUA_TNUMBER || detail::test_class(L, index, "Tensor") != nullptr;
    default: return detail::test_class(L, index, class_of(value.kind)) != nullptr;
  }
}

/// Names of a function's options, for the nearest-name search.
std::vector<std::string_view> option_names(const api::Function& function) {
  std::vector<std::string_view> names;
  for (const auto& option : function.options) names.push_back(option.name);
  return names;
}

}  // namespace

std::string describe(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TNONE: return "nothing";
    case LUA_TNIL: return "nil";
    case LUA_TBOOLEAN: return lua_toboolean(L, index) ? "true" : "false";
    case LUA_TNUMBER: {
      const double x = lua_tonumber(L, index);
      if (std::isnan(x)) return "nan";  // whatever its sign
      return is_integer(x) ? fmt::format("{:.0f}", x) : fmt::format("{}", x);
    }
    case LUA_TSTRING: {
      size_t length;
      const char* text = lua_tolstring(L, index, &length);
      return length > 60 ? fmt::format("'{}...'", std::string_view(text, 57))
                         : fmt::format("'{}'", std::string_view(text, length));
    }
    case LUA_TTABLE: return "a table";
    case LUA_TFUNCTION: return "a function";
    case LUA_TUSERDATA:
      for (auto [name, words] : {std::pair{"Tensor", "a tensor"},
                                 {"Model", "a model"},
                                 {"Session", "a session"},
                                 {"Plan", "a plan"},
                                 {"Store", "a store"},
                                 {"Profiling", "a profile session"},
                                 {"Child", "a child process"},
                                 {"Channel", "a channel"},
                                 {"Tokenizer", "a tokenizer"}})
        if (const void* handle = detail::test_class(L, index, name)) {
          const auto known = describers().find(name);
          return known == describers().end() ? words : known->second(handle);
        }
      return "a userdata";
    default: return fmt::format("a {}", lua_typename(L, lua_type(L, index)));
  }
}

void set_handle_describer(std::string_view class_name, DescribeHandle describe) {
  describers()[std::string(class_name)] = describe;
}

std::vector<int32_t> read_ids(lua_State* L, int index, std::string_view what) {
  const auto count = static_cast<int>(lua_objlen(L, index));
  std::vector<int32_t> ids;
  ids.reserve(count);
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, index, i);
    const double x = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || !is_integer(x) || x < 0 || x > 2147483647.0) {
      throw ArgError(
          fmt::format("{}: expected a list of token ids (integers >= 0), got {} at position {}",
                      what, describe(L, -1), i));
    }
    ids.push_back(static_cast<int32_t>(x));
    lua_pop(L, 1);
  }
  return ids;
}

Args::Args(lua_State* L, const api::Function& function) : L_(L), function_(function) {
  check_arguments();
}

/// Moves a table at the end that is no argument, but options, out of the arguments' way. Returns
/// whether it did.
bool Args::take_options(int index, int given) {
  if (function_.options.empty() || index != given || !lua_istable(L_, index)) return false;
  options_ = given;
  return true;
}

void Args::check_arguments() {
  const int given = lua_gettop(L_);
  const int subjects = subjects_of(function_);
  int index = 0;
  for (const auto& argument : function_.args) {
    ++index;
    if (argument.variadic) {
      if (index > given && !argument.optional) bad(index, argument.value.expected(), "nothing");
      count_ = given;
      for (int i = index; i <= given; ++i) {
        if (fits(L_, i, argument.value)) continue;
        if (!take_options(i, given)) bad(i, argument.value.expected(), describe(L_, i));
        count_ = given - 1;
      }
      if (options_ != 0) check_options(options_);
      return;
    }
    if (argument.optional && lua_isnoneornil(L_, index)) continue;
    if (fits(L_, index, argument.value)) continue;
    // A call like f({ option = 1 }) leaves out optional arguments in front of the options.
    const bool is_method = function_.name.find(':') != std::string_view::npos;
    if (index <= subjects && is_method) misses_colon(argument.value.expected());
    if (!argument.optional || !take_options(index, given))
      bad(index, argument.value.expected(), describe(L_, index));
    count_ = static_cast<int>(function_.args.size());
    lua_settop(L_, count_);
    lua_pushvalue(L_, index);
    lua_pushnil(L_);
    lua_replace(L_, index);
    options_ = lua_gettop(L_);
    check_options(options_);
    return;
  }
  count_ = index;
  const int takes = index + (function_.options.empty() ? 0 : 1);
  if (given > takes)
    fail(fmt::format("too many arguments: expected at most {}, got {}", takes - subjects,
                     given - subjects));
  lua_settop(L_, takes);
  if (function_.options.empty()) return;
  if (!lua_isnil(L_, takes)) {
    if (!lua_istable(L_, takes))
      fail(fmt::format("argument {}: expected a table of options, got {}", takes - subjects,
                       describe(L_, takes)));
    options_ = takes;
  }
  check_options(takes);
}

void Args::check_options(int index) const {
  if (lua_istable(L_, index)) {
    lua_pushnil(L_);
    while (lua_next(L_, index) != 0) {
      if (lua_type(L_, -2) != LUA_TSTRING)
        fail(fmt::format("options are named: expected {{ name = value }}, got the key {}",
                         describe(L_, -2)));
      const std::string_view name = lua_tostring(L_, -2);
      const api::Option* known = nullptr;
      for (const auto& option : function_.options)
        if (option.name == name) known = &option;
      if (!known)
        fail(fmt::format("unknown option '{}'{}", name,
                         did_you_mean(name, option_names(function_))));
      if (!fits(L_, -1, known->value)) bad(name, known->value.expected(), describe(L_, -1));
      lua_pop(L_, 1);
    }
  }
  for (const auto& option : function_.options) {
    if (!option.required) continue;
    if (lua_istable(L_, index)) lua_getfield(L_, index, option.name.data());
    else lua_pushnil(L_);
    if (lua_isnil(L_, -1)) bad(option.name, option.value.expected(), "nothing");
    lua_pop(L_, 1);
  }
}

std::string_view Args::text(int index) const {
  size_t length;
  const char* text = lua_tolstring(L_, index, &length);
  return {text, length};
}

std::vector<int32_t> Args::ids(int index) const {
  return read_ids(L_, index, fmt::format("{}: {}", function_.name, place(index)));
}

std::vector<int64_t> Args::integers(int index) const {
  const auto& argument = function_.args[static_cast<size_t>(index) - 1];
  std::vector<int64_t> values;
  const auto read = [&](int at, int position) {
    const double x = lua_tonumber(L_, at);
    if (lua_type(L_, at) != LUA_TNUMBER || !is_integer(x))
      bad(index, "integers", fmt::format("{} at position {}", describe(L_, at), position));
    values.push_back(static_cast<int64_t>(x));
  };
  if (lua_istable(L_, index)) {
    const auto count = static_cast<int>(lua_objlen(L_, index));
    for (int i = 1; i <= count; ++i) {
      lua_rawgeti(L_, index, i);
      read(lua_gettop(L_), i);
      lua_pop(L_, 1);
    }
    return values;
  }
  const int last = argument.variadic ? count_ : index;
  for (int i = index; i <= last && has(i); ++i) read(i, i - index + 1);
  return values;
}

const api::Option& Args::option(std::string_view name) const {
  for (const auto& option : function_.options)
    if (option.name == name) return option;
  throw ArgError(fmt::format("{}: option '{}' is read but not declared", function_.name, name));
}

void Args::push(std::string_view name) const {
  const api::Option& declared = option(name);
  if (options_ == 0) return lua_pushnil(L_);
  lua_pushlstring(L_, declared.name.data(), declared.name.size());
  lua_rawget(L_, options_);
}

bool Args::given(std::string_view name) const {
  push(name);
  const bool given = !lua_isnil(L_, -1);
  lua_pop(L_, 1);
  return given;
}

bool Args::has(std::string_view name) const {
  return given(name) || !option(name).fallback.empty();
}

double Args::number(std::string_view name) const {
  push(name);
  const bool given = !lua_isnil(L_, -1);
  const double value = lua_tonumber(L_, -1);
  lua_pop(L_, 1);
  return given ? value : std::strtod(std::string(option(name).fallback).c_str(), nullptr);
}

int64_t Args::integer(std::string_view name) const { return static_cast<int64_t>(number(name)); }

bool Args::boolean(std::string_view name) const {
  push(name);
  const bool given = !lua_isnil(L_, -1);
  const bool value = lua_toboolean(L_, -1) != 0;
  lua_pop(L_, 1);
  return given ? value : option(name).fallback == "true";
}

std::string Args::text(std::string_view name) const {
  push(name);
  size_t length = 0;
  const char* given = lua_tolstring(L_, -1, &length);
  std::string value = given ? std::string(given, length) : std::string();
  lua_pop(L_, 1);
  if (given) return value;
  std::string_view fallback = option(name).fallback;  // a Lua literal: 'stored'
  if (fallback.size() >= 2 && fallback.front() == '\'')
    fallback = fallback.substr(1, fallback.size() - 2);
  return std::string(fallback);
}

std::vector<int32_t> Args::ids(std::string_view name) const {
  push(name);
  auto ids = read_ids(L_, lua_gettop(L_), fmt::format("{}: option '{}'", function_.name, name));
  lua_pop(L_, 1);
  return ids;
}

std::string Args::place(int index) const {
  const size_t at = std::min(static_cast<size_t>(index), function_.args.size()) - 1;
  return fmt::format("argument {} '{}'", index - subjects_of(function_), function_.args[at].name);
}

void Args::bad(int index, std::string_view expected, std::string_view got) const {
  if (index > subjects_of(function_))
    throw ArgError(
        fmt::format("{}: {}: expected {}, got {}", function_.name, place(index), expected, got));
  const bool method = function_.name.find(':') != std::string_view::npos;
  throw ArgError(fmt::format("{}: expected {}{}, got {}", function_.name, expected,
                             method ? " in front of the colon" : "", got));
}

void Args::misses_colon(std::string_view expected) const {
  const int given = lua_gettop(L_);
  const bool is_short = given == 1 && (lua_type(L_, 1) == LUA_TSTRING || lua_isnumber(L_, 1));
  const std::string inside = given == 0 ? "" : is_short ? describe(L_, 1) : "...";
  throw ArgError(fmt::format(
      "{0}: expected {1} in front of the colon, got {2}; call it with a colon: {0}({3})",
      function_.name, expected, describe(L_, 1), inside));
}

void Args::bad(std::string_view option, std::string_view expected, std::string_view got) const {
  throw ArgError(
      fmt::format("{}: option '{}': expected {}, got {}", function_.name, option, expected, got));
}

void Args::fail(std::string_view message) const {
  throw ArgError(fmt::format("{}: {}", function_.name, message));
}

void Args::closed(int index, std::string_view class_name) const {
  bad(index, fmt::format("an open {}", lower_case(class_name)), "a closed one");
}

}  // namespace crescent
