#pragma once
#include <memory>

#include "engine/observe.h"

namespace crescent {

class Model;

/// Who watches what Lua runs at this moment: a profile session with an open window. Functions that
/// load, tokenize or run a model ask here, and pass it on.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual Observer& observer() = 0;
  /// Told before a pass of a model is observed, so that its work can be counted.
  virtual void running(const std::shared_ptr<const Model>& model) = 0;
};

Watcher* active_watcher();  ///< nullptr: nobody
void set_active_watcher(Watcher* watcher);

/// The observer of whoever watches; nullptr: nobody.
Observer* active_observer();
/// Likewise, of a pass through a model.
Observer* active_observer(const std::shared_ptr<const Model>& model);

}  // namespace crescent
