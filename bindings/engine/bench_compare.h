#pragma once
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "bindings/args.h"
#include "engine/model/model.h"
#include "profiler/clock.h"
#include "profiler/machine.h"

namespace crescent {

int live_compare(Args& args);  ///< crescent.bench.compare of candidates
int bench_self_test(Args& args);

// What single measurements and comparisons share.
int64_t default_prefill_tokens(const Model& model);
/// Why a limit is not known that needs all of these figures; nothing if they are there.
std::optional<std::string> why_absent(const Machine& machine,
                                      std::initializer_list<std::string_view> names);
double load_ns(const std::filesystem::path& folder, Clock& clock);

}  // namespace crescent
