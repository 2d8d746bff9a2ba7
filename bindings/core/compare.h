#pragma once
#include <lua.hpp>

#include <optional>
#include <string>
#include <vector>

#include "bindings/args.h"
#include "bindings/registry.h"
#include "profiler/compare.h"
#include "profiler/store/records.h"

namespace crescent {

/// What crescent.bench.compare does with live candidates: the engine library hands it over when it
/// is loaded. So that the same function compares stored runs without loading it.
void set_live_compare(Implementation compare);

/// A comparison of live candidates, made just now or read from a store.
struct CompareReport {
  Comparison comparison;
  std::string measure;
  double confidence = 0;
  double samples_to_ms = 1;  ///< what the rows' samples are multiplied by
  struct Drift {
    std::optional<double> value;
    std::string absent;
  };
  std::vector<Drift> drifts;  ///< by row
  std::optional<bool> warm;   ///< not known of stored ones
  std::optional<int64_t> threads;
  std::optional<int64_t> run;  ///< its number in the store
};
void push_comparison(lua_State* L, const CompareReport& report);

/// Pushes what a stored run of live candidates compared; pushes nothing and returns false where it
/// isn't one that came to its end.
bool push_comparison_of(lua_State* L, const StoredRun& run, const std::vector<StoredTrial>& trials);

}  // namespace crescent
