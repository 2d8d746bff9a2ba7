#include "bindings/registry.h"

#include <fmt/format.h>

#include <cctype>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "engine/interrupt.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

struct Entry {
  const api::Function* function = nullptr;
  Implementation code = nullptr;
};

/// One per class of handles: 'model:generate' and 'model.params' belong to 'Model'.
struct Class {
  std::map<std::string_view, Entry*> methods;
  std::map<std::string_view, Entry*> fields;
  std::map<std::string, lua_CFunction> metamethods;
};

/// The registry exists once, in the executable; the engine library finds it there.
struct Registry {
  std::unordered_map<std::string_view, std::unique_ptr<Entry>> entries;
  std::map<std::string, Class, std::less<>> classes;
  std::vector<std::unique_ptr<api::Function>> field_functions;
  std::function<void()> load_engine;
  bool engine_loaded = false;

  Registry() {
    for (const api::Subject* subject : api::subjects()) {
      for (const auto& function : subject->functions) add(function);
      for (const auto& field : subject->fields) add(field);
    }
  }

  static std::string class_name(std::string_view subject) {
    std::string name(subject);
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
    return name;
  }

  void add(const api::Function& function) {
    auto& entry = entries[function.name];
    entry = std::make_unique<Entry>(Entry{&function, nullptr});
    const size_t colon = function.name.find(':');
    if (colon == std::string_view::npos) return;
    classes[class_name(function.name.substr(0, colon))].methods[function.name.substr(colon + 1)] =
        entry.get();
  }

  void add(const api::Field& field) {
    const size_t dot = field.name.find('.');
    const std::string_view subject = field.name.substr(0, dot);
    field_functions.push_back(
        std::make_unique<api::Function>(api::Function{.name = field.name,
                                                      .home = api::Home::engine,
                                                      .doc = field.doc,
                                                      .args = {{subject, api::Kind::any, ""}},
                                                      .returns = field.type}));
    auto& entry = entries[field.name];
    entry = std::make_unique<Entry>(Entry{field_functions.back().get(), nullptr});
    classes[class_name(subject)].fields[field.name.substr(dot + 1)] = entry.get();
  }
};

Registry& registry() {
  static Registry instance;
  return instance;
}

/// The engine names its own steps as Lua does ('save: ...' comes out of model:save), and once is
/// enough.
std::string_view without_own_name(std::string_view message, std::string_view function) {
  const std::string_view last = function.substr(function.find_last_of(".:") + 1);
  if (message.starts_with(last) && message.substr(last.size()).starts_with(": "))
    message.remove_prefix(last.size() + 2);
  return message;
}

/// What the engine throws gets the function's name in front; what was already phrased for the
/// caller passes as it is.
int call_named(Args& args, Implementation code) {
  try {
    return code(args);
  } catch (const ArgError&) {
    throw;
  } catch (const ScriptError&) {
    throw;
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    detail::Caught caught;
    detail::note(caught, error);
    args.fail(without_own_name(caught.message, args.function().name));
  }
}

int run(lua_State* L, Entry& entry) {
  Args args(L, *entry.function);
  if (!entry.code) ensure_engine();
  if (!entry.code) args.fail("is declared but has no implementation");
  return call_named(args, entry.code);
}

int dispatch(lua_State* L) {
  return run(L, *static_cast<Entry*>(lua_touserdata(L, lua_upvalueindex(1))));
}

/// __call of a table that is a function too: the table itself is not an argument.
int dispatch_table(lua_State* L) {
  if (lua_gettop(L) > 0) lua_remove(L, 1);
  return dispatch(L);
}

void push_entry(lua_State* L, Entry* entry) {
  lua_pushlightuserdata(L, entry);
  lua_pushcclosure(L, &guarded<dispatch>, 1);
}

/// handle.key: a method, a field, or an error that names the nearest of both. Upvalues: the class,
/// the table of method closures.
int class_index(lua_State* L) {
  auto& cls = *static_cast<Class*>(lua_touserdata(L, lua_upvalueindex(1)));
  lua_settop(L, 2);
  if (lua_type(L, 2) != LUA_TSTRING) {
    const auto other = cls.metamethods.find("__index_number");
    if (other != cls.metamethods.end()) return other->second(L);
    throw ArgError(fmt::format("{} has no field {}", describe(L, 1), describe(L, 2)));
  }
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(2));
  if (!lua_isnil(L, -1)) return 1;
  const std::string_view key = lua_tostring(L, 2);
  const auto field = cls.fields.find(key);
  if (field != cls.fields.end()) {
    lua_settop(L, 1);
    return run(L, *field->second);
  }
  std::vector<std::string_view> known;
  for (const auto& [name, entry] : cls.methods) known.push_back(name);
  for (const auto& [name, entry] : cls.fields) known.push_back(name);
  throw ArgError(fmt::format("{} has no method or field '{}'{}", describe(L, 1), key,
                             did_you_mean(key, known)));
}

/// Adds the names of Lua modules right below a table of ours: 'heads' of 'crescent.inspect.heads'.
void add_module_names(lua_State* L, const std::string& owner, std::vector<std::string>& names) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  const std::string prefix = owner + ".";
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    const std::string module = lua_tostring(L, -2);
    if (!module.starts_with(prefix)) continue;
    std::string name = module.substr(prefix.size());
    if (name.find('.') == std::string::npos) names.push_back(std::move(name));
  }
  lua_pop(L, 2);
}

/// crescent.key for a key that is not there: a Lua module of that name, else an error that names
/// the nearest. Upvalue 1: the table's name.
int missing_field(lua_State* L) {
  const std::string owner = lua_tostring(L, lua_upvalueindex(1));
  // Whoever takes __index out of the metatable can call it with anything.
  if (!lua_istable(L, 1))
    throw ArgError(fmt::format("{}: expected its table, got {}", owner, describe(L, 1)));
  if (lua_type(L, 2) != LUA_TSTRING)
    throw ArgError(fmt::format("{} has no field {}", owner, describe(L, 2)));
  const std::string key = lua_tostring(L, 2);
  const std::string module = owner + "." + key;
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_getfield(L, -1, module.c_str());
  if (lua_isfunction(L, -1)) {
    lua_getglobal(L, "require");
    lua_pushstring(L, module.c_str());
    lua_call(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
  }
  std::vector<std::string> names;
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    if (lua_type(L, -2) == LUA_TSTRING) names.emplace_back(lua_tostring(L, -2));
    lua_pop(L, 1);
  }
  add_module_names(L, owner, names);
  const std::vector<std::string_view> known(names.begin(), names.end());
  throw ArgError(fmt::format("{} has no field '{}'{}", owner, key, did_you_mean(key, known)));
}

/// Leaves crescent.a.b for 'crescent.a.b.f' on the stack, making what is missing.
void push_owner(lua_State* L, int root, std::string_view path) {
  lua_pushvalue(L, root);
  std::string owner = "crescent";
  for (size_t begin = path.find('.') + 1, end;
       (end = path.find('.', begin)) != std::string_view::npos; begin = end + 1) {
    const std::string name(path.substr(begin, end - begin));
    owner += "." + name;
    lua_pushstring(L, name.c_str());
    lua_rawget(L, -2);
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      lua_newtable(L);
      lua_newtable(L);
      lua_pushstring(L, owner.c_str());
      lua_pushcclosure(L, &guarded<missing_field>, 1);
      lua_setfield(L, -2, "__index");
      lua_setmetatable(L, -2);
      lua_pushstring(L, name.c_str());
      lua_pushvalue(L, -2);
      lua_rawset(L, -4);
    }
    lua_remove(L, -2);
  }
}

/// Is there a 'crescent.tensor.zeros' beside 'crescent.tensor'?
bool has_members(std::string_view name) {
  for (const auto& [other, entry] : registry().entries)
    if (other.size() > name.size() && other.starts_with(name) && other[name.size()] == '.')
      return true;
  return false;
}

/// Puts the function into its owner, or makes it what calling the table of its name does.
void place(lua_State* L, int root, std::string_view name, Entry* entry) {
  if (!has_members(name)) {
    push_owner(L, root, name);
    lua_pushlstring(L, name.data() + name.rfind('.') + 1, name.size() - name.rfind('.') - 1);
    push_entry(L, entry);
    lua_rawset(L, -3);
    return lua_pop(L, 1);
  }
  push_owner(L, root, std::string(name) + ".");
  lua_getmetatable(L, -1);
  lua_pushlightuserdata(L, entry);
  lua_pushcclosure(L, &guarded<dispatch_table>, 1);
  lua_setfield(L, -2, "__call");
  lua_pop(L, 2);
}

}  // namespace

void provide(const Binding& binding) {
  const auto found = registry().entries.find(binding.name);
  if (found == registry().entries.end())
    fail("binding '{}' is not declared in bindings/api", binding.name);
  found->second->code = binding.function;
}

void provide(std::initializer_list<Binding> bindings) {
  for (const auto& binding : bindings) provide(binding);
}

void provide_fields(std::initializer_list<Binding> bindings) { provide(bindings); }

int call_checked(lua_State* L, const api::Function& function, Implementation code) {
  Args args(L, function);
  return call_named(args, code);
}

void provide_metamethod(std::string_view class_name, const char* event, lua_CFunction function) {
  registry().classes[std::string(class_name)].metamethods[event] = function;
}

void finish_home(api::Home home) {
  std::string missing;
  for (const auto& [name, entry] : registry().entries)
    if (entry->function->home == home && !entry->code) missing += fmt::format(" {}", name);
  if (!missing.empty()) fail("declared in bindings/api but not provided:{}", missing);
}

void register_api(lua_State* L) {
  const int root = lua_gettop(L);
  for (const auto& [name, entry] : registry().entries) {
    if (name.find(':') != std::string_view::npos || !name.starts_with("crescent.")) continue;
    place(L, root, name, entry.get());
  }
  lua_newtable(L);
  lua_pushliteral(L, "crescent");
  lua_pushcclosure(L, &guarded<missing_field>, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, root);
}

void set_engine_loader(std::function<void()> load) { registry().load_engine = std::move(load); }
bool engine_loaded() { return registry().engine_loaded; }

void ensure_engine() {
  if (registry().engine_loaded) return;
  if (!registry().load_engine) fail("this program has no engine library");
  registry().load_engine();
  registry().engine_loaded = true;
}

void push_class(lua_State* L, const char* class_name) {
  lua_getfield(L, LUA_REGISTRYINDEX, class_name);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  Class& cls = registry().classes[class_name];
  lua_newtable(L);
  lua_pushstring(L, class_name);
  lua_setfield(L, -2, "__name");
  // A script that got hold of __gc could run it on something else.
  lua_pushstring(L, class_name);
  lua_setfield(L, -2, "__metatable");
  for (const auto& [event, function] : cls.metamethods) {
    if (event == "__index_number") continue;
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, event.c_str());
  }
  lua_pushlightuserdata(L, &cls);
  lua_newtable(L);
  for (const auto& [name, entry] : cls.methods) {
    lua_pushlstring(L, name.data(), name.size());
    push_entry(L, entry);
    lua_rawset(L, -3);
  }
  lua_pushcclosure(L, &guarded<class_index>, 2);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, class_name);
}

namespace detail {

void* test_class(lua_State* L, int index, const char* class_name) {
  void* data = lua_touserdata(L, index);
  if (!data || !lua_getmetatable(L, index)) return nullptr;
  lua_getfield(L, LUA_REGISTRYINDEX, class_name);
  const bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same ? data : nullptr;
}

}  // namespace detail

namespace {

/// tostring(result): require 'crescent.results'[kind](result). Upvalue 1: the kind.
int result_tostring(lua_State* L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.results");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, lua_tostring(L, lua_upvalueindex(1)));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/// result.key for a key that is not there: a method of all results (csv, json), else nil, which is
/// how a missing figure reads.
int result_index(lua_State* L) {
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.results");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "methods");
  lua_pushvalue(L, 2);
  lua_rawget(L, -2);
  return 1;
}

/// Copies require 'crescent.results'.metamethods[kind] into the metatable at the top of the stack:
/// comparisons and the like, which are as easily written in Lua.
void add_metamethods(lua_State* L, const char* kind) {
  const int metatable = lua_gettop(L);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "crescent.results");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "metamethods");
  lua_getfield(L, -1, kind);
  if (lua_istable(L, -1)) {
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, metatable);
    }
  }
  lua_settop(L, metatable);
}

}  // namespace

namespace {
bool is_prompt = false;
}
void set_at_prompt(bool value) { is_prompt = value; }
bool at_prompt() { return is_prompt; }

void set_result(lua_State* L, const char* kind) {
  const std::string name = fmt::format("crescent.result.{}", kind);
  if (luaL_newmetatable(L, name.c_str())) {
    lua_pushstring(L, kind);
    lua_setfield(L, -2, "__name");
    lua_pushstring(L, kind);
    lua_pushcclosure(L, &guarded<result_tostring>, 1);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, &guarded<result_index>);
    lua_setfield(L, -2, "__index");
    add_metamethods(L, kind);
  }
  lua_setmetatable(L, -2);
}

}  // namespace crescent
