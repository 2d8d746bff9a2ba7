#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crescent {

/// Lets text through, piece by piece, up to the first stop text. What may still become one is held
/// back until it is clear.
class StopFilter {
 public:
  explicit StopFilter(std::span<const std::string> stops) : stops_(stops.begin(), stops.end()) {}

  /// @return what is certain not to belong to a stop text; ends before the stop text once
  /// `stopped`.
  std::string feed(std::string_view piece);
  /// What was held back, when no more text comes.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace crescent
