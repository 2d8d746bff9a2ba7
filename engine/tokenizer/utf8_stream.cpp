#include <algorithm>

#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/unicode.h"

namespace crescent {
namespace {

/// How many bytes at the end belong to a character whose rest has not come yet. Only the last
/// three bytes can, so the text before them is not looked at.
size_t cut_bytes(std::string_view bytes) {
  for (size_t back = std::min<size_t>(3, bytes.size()); back > 0; --back) {
    const std::string_view end = bytes.substr(bytes.size() - back);
    const unicode::Piece piece = unicode::first_piece(end);
    if (piece.state == unicode::Piece::State::cut && piece.length == back) return back;
  }
  return 0;
}

}  // namespace

std::string Utf8Stream::feed(std::string_view bytes) {
  pending_.append(bytes);
  const size_t complete = pending_.size() - cut_bytes(pending_);
  std::string text;
  unicode::append_lossy(text, std::string_view(pending_).substr(0, complete));
  pending_.erase(0, complete);
  return text;
}

std::string Utf8Stream::finish() {
  std::string text;
  unicode::append_lossy(text, pending_);
  pending_.clear();
  return text;
}

}  // namespace crescent
