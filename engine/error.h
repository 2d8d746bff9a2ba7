#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace crescent {

/// An error that a user can meet. The message says where, what was expected, what was found and,
/// where there is one, what to try; the binding border puts the caller's line in front of it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... A>
[[noreturn]] void fail(fmt::format_string<A...> format, A&&... values) {
  throw Error(fmt::format(format, std::forward<A>(values)...));
}

}  // namespace crescent
