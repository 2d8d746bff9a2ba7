#pragma once
#include <optional>
#include <string>

#include "bindings/args.h"
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
/// The option `store` of functions that keep what they measure: a path, or true for the default.
std::optional<std::string> store_option(const Args& args);

}  // namespace crescent
