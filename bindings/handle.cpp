#include "bindings/handle.h"

namespace crescent {
namespace {

/// One Lua state, one thread: the list needs no lock.
HandleNode* newest = nullptr;
uint64_t serials = 0;

}  // namespace

uint64_t next_handle_serial() { return serials + 1; }

void close_handles_since(uint64_t serial, const std::unordered_set<const void*>& keep) {
  for (HandleNode* node = newest; node && node->serial >= serial; node = node->older)
    if (!keep.contains(node)) node->close(*node);
}

namespace detail {

void link(HandleNode& node) {
  node.serial = ++serials;
  node.older = newest;
  if (newest) newest->newer = &node;
  newest = &node;
}

void unlink(HandleNode& node) {
  if (node.newer) node.newer->older = node.older;
  else if (newest == &node) newest = node.older;
  if (node.older) node.older->newer = node.newer;
  node.newer = node.older = nullptr;
}

}  // namespace detail
}  // namespace crescent
