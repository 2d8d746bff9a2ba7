#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/error.h"

namespace crescent {

/// Text to token ids and back. Ids are those of the file. Immutable; may be used by several
/// threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  struct EncodeOptions {
    bool special = false;  ///< add what the file's post-processor adds (a leading <s>, say)
  };
  /// Special tokens inside the text are always recognised. Any bytes are accepted.
  virtual std::vector<int32_t> encode(std::string_view text, EncodeOptions options) const = 0;

  struct DecodeOptions {
    bool skip_special = false;
  };
  /// A broken UTF-8 sequence becomes one U+FFFD for each maximal broken part.
  /// @throws Error for an id outside the vocabulary.
  virtual std::string decode(std::span<const int32_t> ids, DecodeOptions options) const = 0;

  /// The bytes that one id stands for, perhaps a part of a character: for streaming and for tables.
  virtual std::string bytes_of(int32_t id) const = 0;

  virtual int32_t size() const = 0;                                        ///< ids are 0 .. size-1
  virtual std::optional<int32_t> id_of(std::string_view token) const = 0;  ///< '<|endoftext|>'
  virtual std::string_view kind() const = 0;                               ///< 'byte-level BPE'
};

/// A tokenizer that is whole as far as could be checked, of a kind that we don't read.
class OtherTokenizerKind : public Error {
 public:
  using Error::Error;
};

/// Reads `tokenizer.json`, else `vocab.json` + `merges.txt`, from a model folder.
/// @throws Error naming the file and the fault; a kind that we don't do is named
/// ('tokenizer of kind Unigram: crescent reads byte-level BPE with GPT-2's pattern ...').
std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& folder);

/// tokenizer.json alone, from memory: what the fuzzer calls.
std::shared_ptr<const Tokenizer> parse_tokenizer_json(std::string_view text,
                                                      std::string_view where);

/// Turns the bytes of a stream of tokens into text that never ends inside a UTF-8 character.
class Utf8Stream {
 public:
  /// Takes the next bytes, gives what is complete; broken sequences become U+FFFD.
  std::string feed(std::string_view bytes);
  /// What is left at the end: a cut character becomes one U+FFFD.
  std::string finish();

 private:
  std::string pending_;
};

}  // namespace crescent
