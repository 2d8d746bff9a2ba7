#include "engine/tokenizer/kind.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/formats/describe.h"
#include "engine/tokenizer/json_field.h"
#include "engine/tokenizer/tokenizer.h"

namespace crescent {
namespace {

/// A component or the components of a Sequence of them, which may nest.
void flatten(const JsonField& component, const char* list, std::vector<JsonField>& parts) {
  if (component.is_null()) return;
  if (component["type"].string() != "Sequence") {
    parts.push_back(component);
    return;
  }
  const JsonField members = component[list];
  for (size_t i = 0; i < members.size(); ++i) flatten(members[i], list, parts);
}

std::vector<JsonField> flat(const JsonField& component, const char* list) {
  std::vector<JsonField> parts;
  flatten(component, list, parts);
  return parts;
}

/// A name from the file: as it is if it is a plain word.
std::string named(const JsonField& type) {
  const std::string& name = type.string();
  const bool plain =
      !name.empty() && name.size() <= 32 &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0; });
  return plain ? name : in_quotes(name);
}

/// 'normalizer Prepend + Replace'
std::string listed(std::string_view what, const std::vector<JsonField>& parts) {
  std::string text(what);
  for (const JsonField& part : parts) {
    text += (&part == &parts.front() ? " " : " + ") + named(part["type"]);
    const JsonField regex = part["pattern"]["Regex"];
    if (!regex.is_null()) text += " " + in_quotes(regex.string());
    if (!part["use_regex"].boolean_or(true)) text += " without a pattern";
  }
  return text;
}

bool has_text(const JsonField& field) { return !field.is_null() && !field.string().empty(); }

bool is_gpt2_split(const std::vector<JsonField>& pre_tokenizers) {
  return pre_tokenizers.size() == 1 && pre_tokenizers[0]["type"].string() == "ByteLevel" &&
         pre_tokenizers[0]["use_regex"].boolean_or(true);
}

/// What keeps a BPE from being the one that we read; empty if nothing does.
std::vector<std::string> differences(const JsonField& file) {
  const JsonField model = file["model"];
  std::vector<std::string> found;
  if (model["byte_fallback"].boolean_or(false)) found.push_back("byte fallback");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const JsonField field = model[key];
    if (has_text(field)) found.push_back(std::string(key) + " " + in_quotes(field.string()));
  }
  const std::vector<JsonField> normalizers = flat(file["normalizer"], "normalizers");
  if (!normalizers.empty()) found.push_back(listed("normalizer", normalizers));
  const std::vector<JsonField> splits = flat(file["pre_tokenizer"], "pretokenizers");
  if (splits.empty()) {
    found.push_back("no pre-tokenizer");
  } else if (!is_gpt2_split(splits)) {
    found.push_back(listed("pre-tokenizer", splits));
  }
  const std::vector<JsonField> decoders = flat(file["decoder"], "decoders");
  const bool plain = decoders.size() == 1 && decoders[0]["type"].string() == "ByteLevel";
  if (found.empty() && !decoders.empty() && !plain) found.push_back(listed("decoder", decoders));
  return found;
}

std::string kind_of(const JsonField& file) {
  const JsonField model = file["model"];
  model.object();
  // The first versions of the format name no type.
  if (!model["type"].is_null() && model["type"].string() != "BPE") return named(model["type"]);
  const std::vector<JsonField> splits = flat(file["pre_tokenizer"], "pretokenizers");
  const bool byte_level = std::any_of(splits.begin(), splits.end(), [](const JsonField& split) {
    return split["type"].string() == "ByteLevel";
  });
  std::string kind = byte_level ? "byte-level BPE" : "BPE";
  std::string_view between = " with ";
  for (const std::string& difference : differences(file)) {
    kind.append(between).append(difference);
    between = ", ";
  }
  return kind;
}

}  // namespace

ByteLevelSettings require_byte_level_bpe(const JsonField& file) {
  const std::string kind = kind_of(file);
  if (kind != "byte-level BPE") {
    throw OtherTokenizerKind(
        fmt::format("{}: tokenizer of kind {}: {}", file.where(), kind, kWhatWeRead));
  }
  return {flat(file["pre_tokenizer"], "pretokenizers")[0]["add_prefix_space"].boolean()};
}

}  // namespace crescent
