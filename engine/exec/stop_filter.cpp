#include "engine/exec/stop_filter.h"

#include <algorithm>
#include <utility>

namespace crescent {

std::string StopFilter::feed(std::string_view piece) {
  if (stopped_) return {};
  held_ += piece;

  size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    stopped_ = true;
    std::string before = held_.substr(0, first);
    held_.clear();
    return before;
  }

  // The longest end of the text that is the beginning of a stop text stays.
  size_t keep_from = held_.size();
  for (const std::string& stop : stops_) {
    const size_t longest = std::min(stop.size() - 1, held_.size());
    for (size_t length = longest; length > 0; --length) {
      if (held_.compare(held_.size() - length, length, stop, 0, length) == 0) {
        keep_from = std::min(keep_from, held_.size() - length);
        break;
      }
    }
  }
  std::string certain = held_.substr(0, keep_from);
  held_.erase(0, keep_from);
  return certain;
}

std::string StopFilter::finish() { return std::exchange(held_, {}); }

}  // namespace crescent
