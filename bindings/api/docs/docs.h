#pragma once
#include <span>
#include <string>

#include "bindings/api/api.h"

namespace crescent::api {

using Subjects = std::span<const Subject* const>;

/// Definitions for the Lua language server: every function with its types, options and defaults.
/// Parses as Lua and refuses to be loaded.
std::string lua_stubs(Subjects subjects);

/// The reference as Markdown, one chapter a subject.
std::string reference_page(Subjects subjects);

/// How a call reads: `crescent.load(folder, options)`, `model:forward(ids, options)`. A method's
/// first argument stands before the colon.
std::string signature(const Function& function);

/// The same as Lua can declare it, where nothing may follow `...`: options behind a list of values
/// are one of them.
std::string declaration(const Function& function);

bool is_method(const Function& function);

}  // namespace crescent::api
