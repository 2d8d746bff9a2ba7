#include "bindings/core/run_record.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "bindings/core/versions.h"
#include "bindings/push.h"
#include "engine/threads.h"
#include "engine/tokenizer/hash.h"
#include "profiler/machine.h"

namespace crescent {
namespace {

/// In a store's environment it stands before the reason of what is absent.
const std::string kAbsent = "absent: ";

std::string hash_text(std::string_view text) { return fmt::format("{:016x}", hash_bytes(text, 0)); }

/// The file that the host runs, from `arg[0]`; nothing at the prompt and with -e.
std::optional<EnvironmentOptions::Script> running_script(lua_State* L) {
  lua_pushliteral(L, "arg");
  lua_rawget(L, LUA_GLOBALSINDEX);
  std::string path;
  if (lua_istable(L, -1)) {
    lua_rawgeti(L, -1, 0);
    if (lua_type(L, -1) == LUA_TSTRING) path = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (!path.ends_with(".lua") || !std::filesystem::is_regular_file(path)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return EnvironmentOptions::Script{path, text, hash_text(text)};
}

}  // namespace

std::vector<Fact> current_environment(lua_State* L) {
  EnvironmentOptions options;
  options.script = running_script(L);
  for (const Version& version : versions())
    options.versions.emplace_back(version.name, version.version);
  return environment_facts(options);
}

RunRecord make_run(const RunDefinition& made, const std::vector<Fact>& environment) {
  RunRecord run;
  run.kind = made.kind;
  run.name = made.name;
  nlohmann::json definition = nlohmann::json::object();
  for (const auto& [name, value] : made.definition) definition[name] = nlohmann::json::parse(value);
  run.definition = definition.dump();
  run.definition_hash = hash_text(run.definition);
  run.model = made.model;
  run.model_hash = made.model_hash;
  run.threads = threads();
  run.options = made.options;
  for (const Fact& fact : environment) {
    if (fact.name.starts_with("warning.")) run.warnings.push_back(fact.value);
    else
      run.environment.emplace_back(fact.name,
                                   fact.absent.empty() ? fact.value : kAbsent + fact.absent);
  }
  return run;
}

std::vector<Fact> facts_of(const NamedTexts& environment) {
  std::vector<Fact> facts;
  for (const auto& [name, value] : environment) {
    if (value.starts_with(kAbsent)) facts.push_back({name, "", value.substr(kAbsent.size())});
    else facts.push_back({name, value, ""});
  }
  return facts;
}

void push_environment(lua_State* L, const std::vector<Fact>& environment) {
  NewTable table(L);
  for (const Fact& fact : environment) {
    if (fact.name.starts_with("warning.")) continue;
    if (fact.absent.empty()) table.set(fact.name.c_str(), fact.value);
    else table.absent(fact.name.c_str(), fact.absent);
  }
  set_result(L, "environment");
}

std::string json_text(const std::string& text) { return nlohmann::json(text).dump(); }

}  // namespace crescent
