#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

#include "engine/formats/mapped_file.h"
#include "engine/tokenizer/vocabulary.h"

namespace crescent {

/// A tokenizer.json whose two long lists were read straight into compact tables: as a tree of
/// JSON values they take three times the time and ten times the memory.
struct TokenizerFile {
  nlohmann::json rest;    ///< all but what follows
  Vocabulary vocabulary;  ///< of model.vocab, if that is an object
  MergeList merges;       ///< of model.merges, if that is a list
  bool has_vocabulary = false;
  bool has_merges = false;
};

/// Nesting of at most 64, no key twice in an object of `rest`.
/// @throws Error naming `where` and the fault.
TokenizerFile read_tokenizer_file(std::string_view text, std::string_view where);

/// The bytes of a file, as long as the file lives.
inline std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

/// vocab.json: { spelling: id }.
Vocabulary read_vocabulary(std::string_view text, std::string_view where);

}  // namespace crescent
