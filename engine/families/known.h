#pragma once
#include <initializer_list>
#include <string_view>

#include "engine/families/family.h"

namespace crescent {

// Every family, one file each; families() lists them.
const Family& gpt2_family();
const Family& llama_family();

/// Is `name` 'h.3.attn.bias', for a layer that the description has? `before` is 'h.', `rests` are
/// '.attn.bias' and the like.
bool is_of_some_layer(std::string_view name, std::string_view before, const DecoderConfig& config,
                      std::initializer_list<std::string_view> rests);

}  // namespace crescent
