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

/// Pushes the cells of an experiment as plain tables; rows stay JSON.
void push_cells(lua_State* L, const std::vector<StoredCell>& cells);

/// What --store said. Without it CRESCENT_STORE, else runs.db in the current folder.
void set_store_path(std::string path);
std::string store_path();
/// The option `store` of functions that keep what they measure: a path, or true for the default.
std::optional<std::string> store_option(const Args& args);

}  // namespace crescent
