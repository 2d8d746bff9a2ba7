#include "engine/tokenizer/added_tokens.h"

#include <algorithm>

#include "engine/tokenizer/unicode.h"

namespace crescent {
namespace {

bool starts_with_word(std::string_view text) {
  return !text.empty() && unicode::is_word(unicode::first_piece(text).code);
}

bool ends_with_word(std::string_view text) {
  return !text.empty() && unicode::is_word(unicode::last_piece(text).code);
}

size_t space_bytes_at_start(std::string_view text) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const unicode::Piece piece = unicode::first_piece(text.substr(bytes));
    if (!unicode::is_space(piece.code)) break;
    bytes += piece.length;
  }
  return bytes;
}

size_t space_bytes_at_end(std::string_view text) {
  const size_t all = text.size();
  while (!text.empty()) {
    const unicode::Piece piece = unicode::last_piece(text);
    if (!unicode::is_space(piece.code)) break;
    text.remove_suffix(piece.length);
  }
  return all - text.size();
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (const AddedToken& token : tokens_) (token.normalized ? normalized_ : exact_).add(token);
  exact_.finish();
  normalized_.finish();
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text) const {
  std::vector<Part> first, parts;
  exact_.split(text, first);
  for (const Part& part : first) {
    if (part.id == kText) {
      normalized_.split(part.text, parts);
    } else {
      parts.push_back(part);
    }
  }
  return parts;
}

void AddedTokens::Pass::add(const AddedToken& token) {
  sorted_.push_back(&token);
  opens_[static_cast<uint8_t>(token.content[0])] = true;
}

void AddedTokens::Pass::finish() {
  std::sort(sorted_.begin(), sorted_.end(),
            [](const AddedToken* a, const AddedToken* b) { return a->content < b->content; });
}

/// Narrows the sorted tokens byte by byte to those that agree with the text so far; one that ends
/// there stands first among them.
const AddedToken* AddedTokens::Pass::longest_at(std::string_view text, size_t at) const {
  const AddedToken* longest = nullptr;
  auto low = sorted_.begin();
  auto high = sorted_.end();
  for (size_t depth = 0; at + depth < text.size(); ++depth) {
    // At `depth`, every token of [low, high) is longer than `depth`: a shorter one was skipped.
    const auto byte = static_cast<uint8_t>(text[at + depth]);
    const auto byte_of = [depth](const AddedToken* token) {
      return static_cast<uint8_t>(token->content[depth]);
    };
    low = std::partition_point(low, high, [&](const auto* token) { return byte_of(token) < byte; });
    high =
        std::partition_point(low, high, [&](const auto* token) { return byte_of(token) == byte; });
    if (low == high) break;
    if ((*low)->content.size() == depth + 1) {
      longest = *low;
      if (++low == high) break;
    }
  }
  return longest;
}

void AddedTokens::Pass::split(std::string_view text, std::vector<Part>& parts) const {
  size_t done = 0;  // text before this is in `parts`
  size_t at = 0;
  while (at < text.size()) {
    const AddedToken* token =
        opens_[static_cast<uint8_t>(text[at])] ? longest_at(text, at) : nullptr;
    if (token == nullptr) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at + token->content.size();
    at = end;                    // also past a match that is not taken
    if (begin < done) continue;  // in white space that the token before took along
    if (token->single_word &&
        (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) {
      continue;
    }
    if (token->lstrip) begin -= space_bytes_at_end(text.substr(done, begin - done));
    if (token->rstrip) end += space_bytes_at_start(text.substr(end));
    if (done < begin) parts.push_back({text.substr(done, begin - done), kText});
    parts.push_back({{}, token->id});
    done = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done), kText});
}

}  // namespace crescent
