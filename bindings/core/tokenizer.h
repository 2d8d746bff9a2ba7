#pragma once
#include <memory>

#include "bindings/handle.h"
#include "engine/tokenizer/tokenizer.h"

namespace crescent {

using TokenizerHandle = std::shared_ptr<const Tokenizer>;
template <>
struct HandleName<TokenizerHandle> {
  static constexpr const char* value = "Tokenizer";
};

}  // namespace crescent
