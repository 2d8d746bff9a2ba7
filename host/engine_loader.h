#pragma once

namespace crescent {

/// Loads libcrescent_engine.so (in ../lib or beside the executable) and lets it hand its functions
/// to the registry. @throws Error with the loader's reason.
void load_engine_library();

}  // namespace crescent
