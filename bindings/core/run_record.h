#pragma once
#include <lua.hpp>

#include <string>
#include <utility>
#include <vector>

#include "profiler/environment.h"
#include "profiler/store/records.h"

namespace crescent {

/// What is so at this moment: machine, versions, the script that runs, its git state.
std::vector<Fact> current_environment(lua_State* L);

/// A run to be stored, with its environment and warnings. `definition` must be equal for two runs
/// to be comparable; `options` are what the caller asked for. Both as JSON by name.
struct RunDefinition {
  RunKind kind = RunKind::profile;
  std::string name;
  NamedTexts definition;
  NamedTexts options;
  std::string model;  ///< as it prints
  std::string model_hash;
};
RunRecord make_run(const RunDefinition& definition, const std::vector<Fact>& environment);

/// Facts as they were before a run was made of them; warnings are a list of their own there.
std::vector<Fact> facts_of(const NamedTexts& environment);

/// Pushes { name = value, ..., absent = { name = reason } }.
void push_environment(lua_State* L, const std::vector<Fact>& environment);

/// A text as JSON.
std::string json_text(const std::string& text);

}  // namespace crescent
