#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crescent {

/// A token that is recognised in the text itself, before anything is split or merged.
struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool special = false;      ///< left out by `skip_special`
  bool single_word = false;  ///< only where no word character touches it
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space after it along
  bool normalized = false;   ///< looked for after the others, in the text between them
};

/// Finds added tokens in text as the tokenizers library does: from left to right, the longest of
/// those that start at one place, first the ones that are not `normalized`.
class AddedTokens {
 public:
  explicit AddedTokens(std::vector<AddedToken> tokens);
  AddedTokens(const AddedTokens&) = delete;  // the passes point into tokens_
  AddedTokens& operator=(const AddedTokens&) = delete;

  struct Part {
    std::string_view text;  ///< empty for a token
    int32_t id = kText;
  };
  static constexpr int32_t kText = -1;
  /// Cuts a text into tokens and the text between them; no text part is empty.
  std::vector<Part> split(std::string_view text) const;

 private:
  /// Tokens that are looked for in the same pass.
  class Pass {
   public:
    void add(const AddedToken& token);
    void finish();  ///< after the last `add`
    void split(std::string_view text, std::vector<Part>& parts) const;

   private:
    const AddedToken* longest_at(std::string_view text, size_t at) const;
    std::vector<const AddedToken*> sorted_;  ///< by content, byte by byte
    std::array<bool, 256> opens_{};          ///< bytes that some token starts with
  };

  std::vector<AddedToken> tokens_;
  Pass exact_, normalized_;
};

}  // namespace crescent
