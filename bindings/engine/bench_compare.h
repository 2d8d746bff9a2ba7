#pragma once
#include <cstdint>
#include <filesystem>

#include "bindings/args.h"
#include "engine/model/model.h"
#include "profiler/clock.h"

namespace crescent {

int bench_compare(Args& args);

// What single measurements and comparisons share.
int64_t default_prefill_tokens(const Model& model);
double load_ns(const std::filesystem::path& folder, Clock& clock);

}  // namespace crescent
