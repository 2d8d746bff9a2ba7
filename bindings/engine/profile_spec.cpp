#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "bindings/engine/profile.h"
#include "engine/nearest.h"

namespace crescent {
namespace {

constexpr std::array<std::string_view, 10> kCollect{
    "layers",  "components", "operations", "activations", "attention",
    "entropy", "gates",      "norms",      "memory",      "counters"};

void collect(ProfileSpec& spec, std::string_view what) {
  spec.collected += fmt::format("{}{}", spec.collected.empty() ? "" : " ", what);
  if (what == "layers") spec.recorder.layers = true;
  if (what == "components") spec.recorder.components = true;
  if (what == "operations") spec.recorder.operations = true;
  if (what == "activations") spec.statistics.activations = true;
  if (what == "attention") spec.statistics.attention = true;
  if (what == "entropy") spec.statistics.entropy = true;
  if (what == "gates") spec.statistics.gates = true;
  if (what == "norms") spec.statistics.norms = true;
  if (what == "memory") spec.memory = true;
  if (what == "counters") spec.counters = true;
}

std::span<const std::string_view> collected_by(const std::string& mode) {
  static constexpr std::array<std::string_view, 5> kStandard{"layers", "components", "activations",
                                                             "memory", "counters"};
  if (mode == "standard") return kStandard;
  if (mode == "deep") return kCollect;
  return {};
}

std::string expected_names() { return fmt::format("a list of '{}'", fmt::join(kCollect, "', '")); }

void read_collect(const Args& args, ProfileSpec& spec) {
  lua_State* L = args.L();
  args.push("collect");
  const auto count = static_cast<int>(lua_objlen(L, -1));
  if (count == 0) args.bad("collect", expected_names(), "an empty list");
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, -1, i);
    const std::string name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (std::find(kCollect.begin(), kCollect.end(), name) == kCollect.end())
      args.bad("collect", expected_names(),
               fmt::format("{}{}", describe(L, -1), did_you_mean(name, kCollect)));
    collect(spec, name);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  const bool inside = spec.recorder.components || spec.recorder.operations;
  if (spec.recorder.operations) spec.recorder.components = true;  // what they stand in
  if (inside) spec.recorder.layers = true;
}

/// { token = 4, layer = 2 }
void read_every(const Args& args, ProfileSpec& spec) {
  static constexpr std::array<std::string_view, 2> kNames{"token", "layer"};
  lua_State* L = args.L();
  args.push("every");
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    const std::string name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (name != "token" && name != "layer")
      args.bad("every", "{ token = n, layer = n }",
               fmt::format("{}{}", describe(L, -2), did_you_mean(name, kNames)));
    const double n = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    if (!(n >= 1 && n <= 1e6) || n != static_cast<double>(static_cast<int32_t>(n)))
      args.bad("every", fmt::format("{} to be an integer 1 .. 1000000", name), describe(L, -1));
    (name == "token" ? spec.recorder.every_token : spec.recorder.every_layer) =
        static_cast<int32_t>(n);
  }
  lua_pop(L, 1);
}

}  // namespace

ProfileSpec read_profile_spec(const Args& args) {
  ProfileSpec spec;
  spec.mode = args.text("mode");
  if (spec.mode == "custom" && !args.given("collect"))
    args.bad("collect", "what mode = 'custom' collects", "nothing");
  if (spec.mode != "custom" && args.given("collect"))
    args.bad("collect", "mode = 'custom' beside it", fmt::format("mode = '{}'", spec.mode));
  for (const std::string_view what : collected_by(spec.mode)) collect(spec, what);
  if (args.given("collect")) read_collect(args, spec);
  if (args.given("every")) read_every(args, spec);
  spec.statistics.threshold = static_cast<float>(args.number("threshold"));
  spec.statistics.attention_threshold = static_cast<float>(args.number("attention_threshold"));
  return spec;
}

}  // namespace crescent
