#pragma once
#include <atomic>

#include "engine/error.h"

namespace crescent {

/// Thrown out of a native loop after Ctrl-C. The border turns it into the Lua error 'interrupted'.
class Interrupted : public Error {
 public:
  Interrupted() : Error("interrupted") {}
};

/// Set by the host's SIGINT handler, cleared by it when the error has reached the prompt.
/// One process, one keyboard: this is the one piece of process-wide state in the engine.
inline std::atomic<bool> interrupt_requested{false};

/// Every native loop that can last longer than a tenth of a second calls this once a turn
/// (a token, a layer, a window, a sample).
inline void check_interrupt() {
  if (interrupt_requested.load(std::memory_order_relaxed)) throw Interrupted();
}

}  // namespace crescent
