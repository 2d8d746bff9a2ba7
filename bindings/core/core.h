#pragma once

namespace crescent {

/// Hands every tensor-free function to the registry. Called once, before the Lua state is filled.
void register_core();

}  // namespace crescent
