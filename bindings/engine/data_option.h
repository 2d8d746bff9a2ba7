#pragma once
#include <optional>
#include <string_view>

#include "bindings/args.h"
#include "engine/model/model.h"
#include "engine/prune/criterion.h"

namespace crescent {

/// An option that says which text to look at, as { file =, text = or ids =, tokens = 2048, window =
/// 128 }, cut after so many tokens; none if it was not given.
std::optional<ScoringData> read_data(const Args& args, std::string_view option, const Model& model);

/// The same, where a text or a list of token ids will do too.
std::optional<ScoringData> read_text_ids_or_data(const Args& args, std::string_view option,
                                                 const Model& model);

}  // namespace crescent
