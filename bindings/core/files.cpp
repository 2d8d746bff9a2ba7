#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "bindings/core/core.h"
#include "bindings/core/json_values.h"
#include "bindings/push.h"
#include "engine/formats/hf_folder.h"
#include "engine/formats/safetensors.h"

namespace crescent {
namespace {

using nlohmann::json;

constexpr int kNesting = 64;

void push_null(lua_State* L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.json.null");
  lua_call(L, 1, 1);
}

}  // namespace

void push_json(lua_State* L, const json& value) {
  luaL_checkstack(L, 4, "JSON nests too deep");
  switch (value.type()) {
    case json::value_t::null: return push_null(L);
    case json::value_t::boolean: return push(L, value.get<bool>());
    case json::value_t::string:
      return push(L, std::string_view(value.get_ref<const std::string&>()));
    case json::value_t::array: {
      NewTable list(L);
      for (const json& item : value) {
        push_json(L, item);
        list.take_next();
      }
      if (value.empty()) mark_empty_list(L);
      return;
    }
    case json::value_t::object:
      lua_newtable(L);
      for (const auto& [key, item] : value.items()) {
        if (item.is_null()) continue;
        push(L, std::string_view(key));
        push_json(L, item);
        lua_rawset(L, -3);
      }
      return;
    default: return push(L, value.get<double>());
  }
}

namespace {

/// Reads Lua values into JSON; keeps the place for messages: 'value.rows[2].name'.
class Encoder {
 public:
  explicit Encoder(const Args& args) : args_(args), L_(args.L()) {}

  json read(int index, const std::string& place, int depth) {
    if (depth > kNesting) refuse(place, fmt::format("nests deeper than {}", kNesting));
    luaL_checkstack(L_, 8, "JSON nests too deep");
    switch (lua_type(L_, index)) {
      case LUA_TNIL: return nullptr;
      case LUA_TBOOLEAN: return lua_toboolean(L_, index) != 0;
      case LUA_TNUMBER: return number(lua_tonumber(L_, index), place);
      case LUA_TSTRING: {
        size_t length;
        const char* text = lua_tolstring(L_, index, &length);
        return std::string(text, length);
      }
      case LUA_TTABLE: return table(index, place, depth);
      case LUA_TUSERDATA: return userdata(index, place, depth);
      default: refuse(place, fmt::format("JSON has no place for {}", describe(L_, index)));
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& place, const std::string& why) {
    args_.fail(fmt::format("{}: {}", place, why));
  }

  json number(double x, const std::string& place) {
    if (!std::isfinite(x))
      refuse(place, std::isnan(x) ? "JSON has no NaN" : "JSON has no infinity");
    constexpr double kExact = 9007199254740992.0;  // 2^53
    if (std::abs(x) <= kExact && std::floor(x) == x) return static_cast<int64_t>(x);
    return x;
  }

  /// crescent.json.null, or a read-only view, whose metatable holds what it shows.
  json userdata(int index, const std::string& place, int depth) {
    push_null(L_);
    const bool null = lua_rawequal(L_, index, -1) != 0;
    lua_pop(L_, 1);
    if (null) return nullptr;
    if (luaL_getmetafield(L_, index, "__view")) {
      json value = read(lua_gettop(L_), place, depth);
      lua_pop(L_, 1);
      return value;
    }
    refuse(place, fmt::format("JSON has no place for {}", describe(L_, index)));
  }

  bool marked_list(int index) {
    if (!luaL_getmetafield(L_, index, "__json")) return false;
    lua_pop(L_, 1);
    return true;
  }

  json table(int index, const std::string& place, int depth) {
    const size_t length = lua_objlen(L_, index);
    size_t count = 0;
    bool named = false;
    for (lua_pushnil(L_); lua_next(L_, index) != 0; lua_pop(L_, 1), ++count)
      if (lua_type(L_, -2) == LUA_TSTRING) named = true;
    if (count == 0) return marked_list(index) ? json::array() : json::object();
    if (length == count && !named) return list(index, place, depth, length);
    json object = json::object();
    for (lua_pushnil(L_); lua_next(L_, index) != 0; lua_pop(L_, 1)) {
      if (lua_type(L_, -2) != LUA_TSTRING)
        refuse(place, "expected the keys 1 .. n or names alone, got both or gaps");
      size_t key_length;
      const char* key = lua_tolstring(L_, -2, &key_length);
      std::string name(key, key_length);
      json value = read(lua_gettop(L_), fmt::format("{}.{}", place, name), depth + 1);
      object[std::move(name)] = std::move(value);
    }
    return object;
  }

  json list(int index, const std::string& place, int depth, size_t length) {
    json array = json::array();
    for (size_t i = 1; i <= length; ++i) {
      lua_rawgeti(L_, index, static_cast<int>(i));
      array.push_back(read(lua_gettop(L_), fmt::format("{}[{}]", place, i), depth + 1));
      lua_pop(L_, 1);
    }
    return array;
  }

  const Args& args_;
  lua_State* L_;
};

int json_decode(Args& args) {
  push_json(args.L(), parse_json(args.text(1), "text"));
  return 1;
}

int json_encode(Args& args) {
  const json value = Encoder(args).read(1, "value", 0);
  const bool indented = args.has("indent");
  try {
    push(args.L(), value.dump(indented ? static_cast<int>(args.integer("indent")) : -1));
  } catch (const json::type_error&) {
    args.fail("value: a text in it is not UTF-8");
  }
  return 1;
}

int inspect_file(Args& args) {
  lua_State* L = args.L();
  const auto file = SafetensorsFile::open(std::string(args.text(1)));
  NewTable table(L);
  table.set("path", file->path().string());
  table.set("bytes", file->file()->bytes().size());
  NewTable tensors(L);
  for (const TensorEntry& entry : file->entries()) {
    NewTable row(L);
    row.set("name", entry.name);
    push_list(L, entry.shape);
    row.take("shape");
    row.set("dtype", name_of(entry.dtype));
    row.set("bytes", entry.bytes);
    row.set("offset", entry.begin);
    tensors.take_next();
  }
  table.take("tensors");
  NewTable metadata(L);
  for (const auto& [key, value] : file->metadata()) metadata.set(key.c_str(), value);
  table.take("metadata");
  set_result(L, "file");
  return 1;
}

}  // namespace

void register_files() {
  provide({
      {"crescent.json.decode", json_decode},
      {"crescent.json.encode", json_encode},
      {"crescent.inspect.file", inspect_file},
  });
}

}  // namespace crescent
