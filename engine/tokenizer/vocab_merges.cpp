// A tokenizer in several files, as transformers' GPT2Tokenizer writes it:
//
//   vocab.json               { spelling: id }
//   merges.txt               a line "#version: ...", then "left right", the first merge first
//   added_tokens.json        { content: id }, optional
//   tokenizer_config.json    optional: tokenizer_class, add_prefix_space, add_bos_token, special
//                            tokens by role, added_tokens_decoder { id: { content, special, ... } }
//   special_tokens_map.json  optional: special tokens by role
#include "engine/tokenizer/vocab_merges.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/formats/hf_folder.h"
#include "engine/tokenizer/added_token_json.h"
#include "engine/tokenizer/byte_level_bpe.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/tokenizer_file.h"

namespace crescent {
namespace {

constexpr std::string_view kRoles[] = {"bos_token", "eos_token", "unk_token", "pad_token",
                                       "sep_token", "cls_token", "mask_token"};
// What GPT2Tokenizer takes for all of its roles where no file says otherwise.
constexpr std::string_view kEndOfText = "<|endoftext|>";

/// A JSON file that may be missing, and its name for messages.
struct OptionalFile {
  explicit OptionalFile(const std::filesystem::path& path) : where(path.string()) {
    if (std::filesystem::exists(path)) json = read_json(path);
  }
  JsonField field() const { return {&json, where}; }

  std::string where;
  nlohmann::json json;  ///< null if missing
};

const std::string& content_of(const JsonField& token) {
  return token.value() != nullptr && token.value()->is_object() ? token["content"].string()
                                                                : token.string();
}

/// An id that is a key.
int32_t parsed_id(const std::string& digits, const JsonField& object) {
  int32_t id = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, id);
  if (error != std::errc{} || stopped != end || id < 0) {
    object.fail_expected("ids of 0 .. 2147483647 as keys, not " + in_quotes(digits));
  }
  return id;
}

/// The added tokens of tokenizer_config.json and added_tokens.json.
std::vector<AddedToken> read_added(const JsonField& decoder, const JsonField& ids) {
  std::vector<AddedToken> added;
  if (!decoder.is_null()) {
    for (auto entry = decoder.object().begin(); entry != decoder.object().end(); ++entry) {
      added.push_back(read_added_token(decoder[entry.key()], parsed_id(entry.key(), decoder)));
    }
  }
  if (ids.is_null()) return added;
  std::unordered_set<std::string> known;
  for (const AddedToken& token : added) known.insert(token.content);
  for (auto entry = ids.object().begin(); entry != ids.object().end(); ++entry) {
    if (known.contains(entry.key())) continue;
    const int32_t id = read_id(ids[entry.key()]);
    added.push_back({.content = entry.key(), .id = id, .normalized = true});
  }
  return added;
}

/// Makes tokens of the vocabulary special.
class Roles {
 public:
  Roles(std::vector<AddedToken>& added, const TokenTable& tokens) : added_(added), tokens_(tokens) {
    for (size_t i = 0; i < added.size(); ++i) index_.emplace(added[i].content, i);
  }

  /// @param token  "content" or { content, ... }
  void add(const JsonField& token) {
    const std::string& content = content_of(token);
    if (content.empty()) token.fail_expected("a token that is not empty");
    const auto [known, is_new] = index_.emplace(content, added_.size());
    if (!is_new) {
      added_[known->second].special = true;
      return;
    }
    const std::optional<int32_t> id = tokens_.find(content);
    if (!id) token.fail_expected("a token of the vocabulary");
    added_.push_back({.content = content, .id = *id, .special = true});
  }

 private:
  std::vector<AddedToken>& added_;
  const TokenTable& tokens_;
  std::unordered_map<std::string, size_t> index_;  // by content
};

void add_roles(Roles& roles, const JsonField& file) {
  for (const std::string_view role : kRoles) {
    if (!file[role].is_null()) roles.add(file[role]);
  }
  const JsonField more = file["additional_special_tokens"];
  if (more.is_null()) return;
  for (size_t i = 0; i < more.size(); ++i) roles.add(more[i]);
}

MergeList read_merges(std::string_view text, std::string_view where) {
  MergeList merges;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    if (space == line.npos || line.find(' ', space + 1) != line.npos) {
      fail("{}: line {}: expected 'left right', found {}", where, number, in_quotes(line));
    }
    merges.append(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

void require_gpt2_class(const JsonField& name) {
  if (name.is_null() || name.string() == "GPT2Tokenizer" || name.string() == "GPT2TokenizerFast") {
    return;
  }
  name.fail_expected("GPT2Tokenizer, whose files vocab.json and merges.txt are");
}

}  // namespace

std::shared_ptr<const Tokenizer> read_vocab_merges(const std::filesystem::path& folder) {
  const OptionalFile config_file(folder / "tokenizer_config.json");
  const OptionalFile roles_file(folder / "special_tokens_map.json");
  const OptionalFile ids_file(folder / "added_tokens.json");
  const JsonField config = config_file.field();
  require_gpt2_class(config["tokenizer_class"]);

  const std::string vocab_path = (folder / "vocab.json").string();
  const std::string merges_path = (folder / "merges.txt").string();
  const auto vocab_file = MappedFile::open(vocab_path);
  const auto merges_file = MappedFile::open(merges_path);
  Vocabulary vocabulary = read_vocabulary(text_of(*vocab_file), vocab_path);
  std::vector<AddedToken> added = read_added(config["added_tokens_decoder"], ids_file.field());
  append_added(vocabulary, added, vocab_path);
  TokenTable tokens(vocabulary, vocab_path);
  Roles roles(added, tokens);
  add_roles(roles, config);
  add_roles(roles, roles_file.field());
  const std::optional<int32_t> end_of_text = tokens.find(kEndOfText);
  if (added.empty() && end_of_text) {
    added.push_back({.content = std::string(kEndOfText), .id = *end_of_text, .special = true});
  }
  MergeTable merges(read_merges(text_of(*merges_file), merges_path), tokens, merges_path);
  ByteLevelBpe::Parts parts{.where = vocab_path,
                            .tokens = std::move(tokens),
                            .merges = std::move(merges),
                            .added = std::move(added),
                            .add_prefix_space = config["add_prefix_space"].boolean_or(false)};
  if (config["add_bos_token"].boolean_or(false)) {
    const JsonField bos = config["bos_token"];
    const auto id = bos.is_null() ? end_of_text : parts.tokens.find(content_of(bos));
    if (!id) bos.fail_expected("a token of the vocabulary");
    parts.before.push_back(*id);
  }
  return std::make_shared<ByteLevelBpe>(std::move(parts));
}

}  // namespace crescent
