#pragma once
#include <lua.hpp>

#include <functional>
#include <initializer_list>
#include <span>
#include <string_view>

#include "bindings/args.h"

namespace crescent {

/// One function's code. Returns how many results it pushed.
using Implementation = int (*)(Args& args);

struct Binding {
  std::string_view name;  ///< as in the api table
  Implementation function;
};

/// Hands the code of one home to the registry: the executable for Home::core, the engine library
/// when it is loaded for Home::engine. Each api subject's file of functions calls `provide` in its
/// own `register_...`; `finish_home` then demands that exactly the declared set is there.
void provide(std::initializer_list<Binding> bindings);
void provide(const Binding& binding);
void finish_home(api::Home home);  ///< @throws Error naming what is missing

/// A property of a handle (`model.params`): pushes one value. Declared in Subject::fields.
void provide_fields(std::initializer_list<Binding> bindings);

/// A metamethod of a class ('Tensor', '__add'); `function` is already guarded.
void provide_metamethod(std::string_view class_name, const char* event, lua_CFunction function);

/// Calls an implementation the way Lua's calls of declared functions are: arguments checked against
/// `function`, whatever the engine throws told with the function's name in front. For metamethods.
int call_checked(lua_State* L, const api::Function& function, Implementation code);

/// Fills the table `crescent` (at the top of the stack) with one closure per declared function, so
/// that `crescent.eval.perplexity` exists before the engine is loaded; the first call loads it.
void register_api(lua_State* L);

/// How the engine library is loaded; the host sets it. @throws Error with the loader's reason.
void set_engine_loader(std::function<void()> load);
/// Is a person typing? The prompt says so; some errors of scripts are notices there.
void set_at_prompt(bool is_prompt);
bool at_prompt();
bool engine_loaded();
void ensure_engine();

/// Gives the plain table at the top of the stack the printing metatable of its kind ('compare'):
/// the Lua library has a printer for each kind in scripts/crescent/results.lua.
void set_result(lua_State* L, const char* kind);

}  // namespace crescent
