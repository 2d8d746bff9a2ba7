#pragma once

namespace crescent {

/// crescent.memory and crescent.scope.
void register_memory();

}  // namespace crescent
