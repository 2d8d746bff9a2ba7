#include "bindings/engine/data_option.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "bindings/engine/text_source.h"
#include "engine/model/hash.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

constexpr std::array<std::string_view, 5> kKeys{"file", "text", "ids", "tokens", "window"};
constexpr int64_t kTokens = 2048;
constexpr int64_t kWindow = 128;

/// Reads one option, whose value is at `at` on the stack.
class Reader {
 public:
  Reader(const Args& args, std::string_view option, const Model& model)
      : args_(args), L_(args.L()), option_(option), model_(model), at_(lua_gettop(args.L())) {}

  ScoringData table() {
    check_keys();
    std::vector<std::string> given;
    for (const char* name : {"file", "text", "ids"}) {
      lua_getfield(L_, at_, name);
      if (!lua_isnil(L_, -1)) given.push_back(name);
      lua_pop(L_, 1);
    }
    if (given.size() != 1) {
      args_.bad(option_, "exactly one of file, text and ids",
                given.empty() ? "none" : fmt::format("{}", fmt::join(given, " and ")));
    }
    const std::string& name = given.front();
    lua_getfield(L_, at_, name.c_str());
    ScoringData data;
    if (name == "ids") {
      if (!lua_istable(L_, -1)) {
        args_.bad(option_, "ids to be a list of token ids", describe(L_, -1));
      }
      data = ids(", ids");
    } else if (lua_type(L_, -1) != LUA_TSTRING) {
      args_.bad(option_, name + " to be a text", describe(L_, -1));
    } else {
      data = name == "file" ? file() : text();
    }
    lua_pop(L_, 1);
    return cut(std::move(data), number("tokens", kTokens), number("window", kWindow));
  }

  // Of what is at the top of the stack.
  ScoringData ids(std::string_view what) const {
    const auto place = fmt::format("{}: option '{}'{}", args_.function().name, option_, what);
    return {.ids = read_ids(L_, lua_gettop(L_), place), .used = {.source = "ids"}};
  }
  ScoringData text() const { return {.ids = encoded(top()), .used = {.source = "text"}}; }
  ScoringData file() const {
    return {.ids = encoded(read_text_file(args_, option_, top())),
            .used = {.source = "file " + top()}};
  }

  ScoringData cut(ScoringData data, int64_t tokens = kTokens, int64_t window = kWindow) const {
    data.used.window = std::min(window, model_.config().positions_max);
    if (static_cast<int64_t>(data.ids.size()) > tokens)
      data.ids.resize(static_cast<size_t>(tokens));
    data.used.tokens = static_cast<int64_t>(data.ids.size());
    data.used.hash = hash_ids(data.ids);
    return data;
  }

 private:
  void check_keys() const {
    lua_pushnil(L_);
    while (lua_next(L_, at_) != 0) {
      const std::string key = lua_type(L_, -2) == LUA_TSTRING ? lua_tostring(L_, -2) : "";
      if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        args_.bad(option_, fmt::format("keys out of {}", fmt::join(kKeys, ", ")),
                  fmt::format("{}{}", describe(L_, -2), did_you_mean(key, kKeys)));
      }
      lua_pop(L_, 1);
    }
  }

  int64_t number(const char* name, int64_t fallback) const {
    constexpr double kLeast = 2, kMost = 2147483647;
    lua_getfield(L_, at_, name);
    int64_t value = fallback;
    if (!lua_isnil(L_, -1)) {
      const double x = lua_tonumber(L_, -1);
      if (lua_type(L_, -1) != LUA_TNUMBER || std::floor(x) != x || x < kLeast || x > kMost) {
        args_.bad(option_, fmt::format("{} to be an integer >= {}", name, kLeast),
                  describe(L_, -1));
      }
      value = static_cast<int64_t>(x);
    }
    lua_pop(L_, 1);
    return value;
  }

  std::string top() const {
    size_t length = 0;
    const char* const chars = lua_tolstring(L_, -1, &length);
    return {chars, length};
  }
  std::vector<int32_t> encoded(const std::string& text) const {
    return model_.tokenizer()->encode(text, {.special = false});
  }

  const Args& args_;
  lua_State* const L_;
  const std::string_view option_;
  const Model& model_;
  const int at_;
};

}  // namespace

std::optional<ScoringData> read_data(const Args& args, std::string_view option,
                                     const Model& model) {
  args.push(option);
  std::optional<ScoringData> data;
  if (!lua_isnil(args.L(), -1)) data = Reader(args, option, model).table();
  lua_pop(args.L(), 1);
  return data;
}

std::optional<ScoringData> read_text_ids_or_data(const Args& args, std::string_view option,
                                                 const Model& model) {
  lua_State* L = args.L();
  args.push(option);
  Reader reader(args, option, model);
  std::optional<ScoringData> data;
  if (lua_type(L, -1) == LUA_TSTRING) data = reader.cut(reader.text());
  else if (lua_istable(L, -1) && lua_objlen(L, -1) > 0) data = reader.cut(reader.ids(""));
  else if (lua_istable(L, -1)) data = reader.table();
  else if (!lua_isnil(L, -1))
    args.bad(option,
             "a text, a list of token ids, or { file =, text = or ids =, tokens =, window = }",
             describe(L, -1));
  lua_pop(L, 1);
  return data;
}

}  // namespace crescent
