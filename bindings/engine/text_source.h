#pragma once
#include <string>
#include <string_view>

#include "bindings/args.h"

namespace crescent {

/// @throws ArgError naming the option and the path if it can't be read.
std::string read_text_file(const Args& args, std::string_view option, const std::string& path);

}  // namespace crescent
