#pragma once
#include <cstdint>
#include <filesystem>

#include "bindings/args.h"
#include "engine/model/model.h"
#include "profiler/clock.h"

namespace crescent {

int live_compare(Args& args);  ///< crescent.bench.compare of candidates
int bench_self_test(Args& args);

// What single measurements and comparisons share.
int64_t default_prefill_tokens(const Model& model);
double load_ns(const std::filesystem::path& folder, Clock& clock);

}  // namespace crescent
