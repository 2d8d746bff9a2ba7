#include <string>
#include <vector>

#include "bindings/api/api.h"
#include "bindings/core/core.h"
#include "bindings/core/versions.h"
#include "bindings/registry.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

void set_text(lua_State* L, const char* key, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
  lua_setfield(L, -2, key);
}

void set_flag(lua_State* L, const char* key, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, key);
}

void push_choices(lua_State* L, const api::Value& value) {
  lua_newtable(L);
  int index = 0;
  for (const auto choice : value.choices) {
    lua_pushlstring(L, choice.data(), choice.size());
    lua_rawseti(L, -2, ++index);
  }
}

/// Leaves a list of { name, expected, doc, ... } in the field `key` of the table on top.
template <class Items, class Fill>
void set_list(lua_State* L, const char* key, const Items& items, Fill fill) {
  lua_newtable(L);
  int index = 0;
  for (const auto& item : items) {
    lua_newtable(L);
    set_text(L, "name", item.name);
    set_text(L, "expected", item.value.expected());
    set_text(L, "type", item.value.lua_type());
    set_text(L, "doc", item.doc);
    push_choices(L, item.value);
    lua_setfield(L, -2, "choices");
    fill(item);
    lua_rawseti(L, -2, ++index);
  }
  lua_setfield(L, -2, key);
}

void push_function(lua_State* L, const api::Function& function) {
  lua_newtable(L);
  set_text(L, "name", function.name);
  set_text(L, "kind", "function");
  set_text(L, "doc", function.doc);
  set_text(L, "returns", function.returns);
  set_text(L, "example", function.example);
  set_list(L, "args", function.args, [&](const api::Argument& argument) {
    set_flag(L, "optional", argument.optional);
    set_flag(L, "variadic", argument.variadic);
  });
  set_list(L, "options", function.options, [&](const api::Option& option) {
    set_text(L, "default", option.fallback);
    set_flag(L, "required", option.required);
  });
}

void push_field(lua_State* L, const api::Field& field) {
  lua_newtable(L);
  set_text(L, "name", field.name);
  set_text(L, "kind", "field");
  set_text(L, "doc", field.doc);
  set_text(L, "returns", field.type);
}

int help_api(Args& args) {
  lua_State* L = args.L();
  lua_newtable(L);
  int index = 0;
  for (const api::Subject* subject : api::subjects()) {
    for (const auto& function : subject->functions) {
      push_function(L, function);
      lua_rawseti(L, -2, ++index);
    }
    for (const auto& field : subject->fields) {
      push_field(L, field);
      lua_rawseti(L, -2, ++index);
    }
  }
  return 1;
}

int help_did_you_mean(Args& args) {
  lua_State* L = args.L();
  const auto count = static_cast<int>(lua_objlen(L, 2));
  std::vector<std::string> names;
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, 2, i);
    if (lua_type(L, -1) != LUA_TSTRING) args.bad(2, "a list of strings", describe(L, -1));
    names.emplace_back(lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  const std::string words = did_you_mean(args.text(1), known);
  lua_pushlstring(L, words.data(), words.size());
  return 1;
}

int help_versions(Args& args) {
  push_versions(args.L());
  return 1;
}

}  // namespace

void push_versions(lua_State* L) {
  lua_newtable(L);
  for (const auto& [name, version] : versions()) set_text(L, std::string(name).c_str(), version);
  set_result(L, "versions");
}

void register_help() {
  provide({{"crescent.api", help_api},
           {"crescent.did_you_mean", help_did_you_mean},
           {"crescent.versions", help_versions}});
}

}  // namespace crescent
