#pragma once
#include <string>

#include "bindings/handle.h"
#include "profiler/store/store.h"

namespace crescent {

template <>
struct HandleName<Store> {
  static constexpr const char* value = "Store";
};

/// What --store said. Without it CRESCENT_STORE, else runs.db in the current folder.
void set_store_path(std::string path);
std::string store_path();

}  // namespace crescent
