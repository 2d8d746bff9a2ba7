#include "bindings/observing.h"

namespace crescent {
namespace {

Watcher*& active() {
  static Watcher* watcher = nullptr;
  return watcher;
}

}  // namespace

Watcher* active_watcher() { return active(); }
void set_active_watcher(Watcher* watcher) { active() = watcher; }

Observer* active_observer() { return active() ? &active()->observer() : nullptr; }

Observer* active_observer(const std::shared_ptr<const Model>& model) {
  if (active()) active()->running(model);
  return active_observer();
}

}  // namespace crescent
