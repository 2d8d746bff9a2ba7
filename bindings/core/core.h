#pragma once

namespace crescent {

/// Hands every tensor-free function to the registry. Called once, before the Lua state is filled.
void register_core();

// What register_core is made of: one function a file in bindings/core/.
void register_help();

}  // namespace crescent
