#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crescent {

/// Strings by number, all in one piece of memory.
class StringPool {
 public:
  void reserve(size_t count) { ends_.reserve(count); }
  void append(std::string_view text) {
    text_ += text;
    ends_.push_back(text_.size());
  }
  std::string_view operator[](size_t index) const {
    const size_t begin = index == 0 ? 0 : ends_[index - 1];
    return {text_.data() + begin, ends_[index] - begin};
  }
  size_t size() const { return ends_.size(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<size_t> ends_;
};

/// Tokens as files name them, in any order and unchecked: spelling and id.
struct Vocabulary {
  StringPool spellings;
  std::vector<int64_t> ids;
  size_t added = 0;  ///< how many at the end are added tokens, which no merge makes

  void append(std::string_view spelling, int64_t id) {
    spellings.append(spelling);
    ids.push_back(id);
  }
};

/// Merges as a file names them, unchecked, the first to be applied first.
class MergeList {
 public:
  void append(std::string_view left, std::string_view right) {
    parts_.append(left);
    parts_.append(right);
  }
  size_t size() const { return parts_.size() / 2; }
  std::string_view left(size_t index) const { return parts_[2 * index]; }
  std::string_view right(size_t index) const { return parts_[2 * index + 1]; }

 private:
  StringPool parts_;
};

}  // namespace crescent
