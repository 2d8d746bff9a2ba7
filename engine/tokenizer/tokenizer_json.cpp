// tokenizer.json of the tokenizers library, as far as byte-level BPE uses it:
//
//   model           { type: BPE, vocab: { spelling: id }, merges: ["a b"] or [["a", "b"]],
//                     unk_token, fuse_unk, ignore_merges, dropout, ... }
//   added_tokens    [ { id, content, special, single_word, lstrip, rstrip, normalized } ]
//   normalizer, pre_tokenizer, decoder      see kind.cpp
//   post_processor  what `special` adds around a text
//   truncation, padding                     for batches: a text is always encoded whole
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/error.h"
#include "engine/tokenizer/added_token_json.h"
#include "engine/tokenizer/byte_level_bpe.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/kind.h"
#include "engine/tokenizer/tokenizer_file.h"

namespace crescent {
namespace {

std::vector<AddedToken> read_added(const JsonField& list) {
  std::vector<AddedToken> added;
  if (list.is_null()) return added;
  for (size_t i = 0; i < list.size(); ++i) {
    added.push_back(read_added_token(list[i], read_id(list[i]["id"])));
  }
  return added;
}

/// The ids of a special token of a template.
void append_special(const JsonField& processor, const std::string& name, const TokenTable& tokens,
                    std::vector<int32_t>& ids) {
  const JsonField list = processor["special_tokens"][name]["ids"];
  for (size_t i = 0; i < list.size(); ++i) {
    const int64_t id = list[i].integer();
    if (id < 0 || id >= tokens.size()) {
      list[i].fail_expected(fmt::format("an id of 0 .. {}", tokens.size() - 1));
    }
    // Parts may name the same token again and again: a small file must not become a large list.
    constexpr size_t kSpecialMax = 1024;
    if (ids.size() == kSpecialMax) {
      list.fail_expected(fmt::format("at most {} special tokens around a text", kSpecialMax));
    }
    ids.push_back(static_cast<int32_t>(id));
  }
}

/// A template for one text: special tokens, the text ('A'), special tokens.
void read_template(const JsonField& processor, ByteLevelBpe::Parts& parts) {
  const JsonField single = processor["single"];
  std::vector<int32_t> before, after;
  bool seen = false;
  for (size_t i = 0; i < single.size(); ++i) {
    const JsonField special = single[i]["SpecialToken"];
    if (!special.is_null()) {
      append_special(processor, special["id"].string(), parts.tokens, seen ? after : before);
    } else if (!seen && single[i]["Sequence"]["id"].string() == "A") {
      seen = true;
    } else {
      single[i].fail_expected("a special token, or the sequence 'A' once");
    }
  }
  if (!seen) single.fail_expected("the sequence 'A' among the parts");
  parts.before.insert(parts.before.begin(), before.begin(), before.end());
  parts.after.insert(parts.after.end(), after.begin(), after.end());
}

void read_post_processor(const JsonField& processor, ByteLevelBpe::Parts& parts) {
  if (processor.is_null()) return;
  const std::string& type = processor["type"].string();
  if (type == "Sequence") {
    const JsonField members = processor["processors"];
    for (size_t i = 0; i < members.size(); ++i) read_post_processor(members[i], parts);
  } else if (type == "TemplateProcessing") {
    read_template(processor, parts);
  } else if (type != "ByteLevel") {  // which moves offsets and adds nothing
    processor["type"].fail_expected("ByteLevel, TemplateProcessing or Sequence");
  }
}

void refuse_dropout(const JsonField& dropout) {
  if (!dropout.is_null() && *dropout.value() != 0) dropout.fail_expected("null or 0");
}

}  // namespace

std::shared_ptr<const Tokenizer> parse_tokenizer_json(std::string_view text,
                                                      std::string_view where) {
  TokenizerFile read = read_tokenizer_file(text, where);
  const JsonField file(&read.rest, where);
  const ByteLevelSettings settings = require_byte_level_bpe(file);
  const JsonField model = file["model"];
  if (!read.has_vocabulary) model["vocab"].fail_expected("an object");
  if (!read.has_merges) model["merges"].fail_expected("a list");
  refuse_dropout(model["dropout"]);
  std::vector<AddedToken> added = read_added(file["added_tokens"]);
  append_added(read.vocabulary, added, where);
  TokenTable tokens(read.vocabulary, where);
  MergeTable merges(read.merges, tokens, where);
  ByteLevelBpe::Parts parts{.where = std::string(where),
                            .tokens = std::move(tokens),
                            .merges = std::move(merges),
                            .added = std::move(added),
                            .fuse_unknown = model["fuse_unk"].boolean_or(false),
                            .add_prefix_space = settings.add_prefix_space,
                            .ignore_merges = model["ignore_merges"].boolean_or(false)};
  if (!model["unk_token"].is_null())
    parts.unknown = parts.tokens.find_unadded(model["unk_token"].string());
  read_post_processor(file["post_processor"], parts);
  return std::make_shared<ByteLevelBpe>(std::move(parts));
}

}  // namespace crescent
