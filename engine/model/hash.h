#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "engine/model/model.h"

namespace crescent {

/// A description as one line of text, every field by name: what `Model::hash` starts with, and by
/// which two descriptions are compared. Where a pruned layer came from does not count.
std::string describe(const DecoderConfig& config);

/// 16 hex digits over token ids.
std::string hash_ids(std::span<const int32_t> ids);

/// See Model::hash. Not cryptographic: it tells models apart, it does not guard against forgery.
std::string hash_model(const DecoderConfig& config, const Layout& layout, const Weights& stored);

}  // namespace crescent
