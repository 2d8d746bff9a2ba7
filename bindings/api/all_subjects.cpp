#include <array>

#include "bindings/api/subjects.h"

namespace crescent::api {

std::span<const Subject* const> subjects() {
  static const std::array all = {
      &process_subject(),
      &help_subject(),
  };
  return all;
}

}  // namespace crescent::api
