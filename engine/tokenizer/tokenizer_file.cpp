#include "engine/tokenizer/tokenizer_file.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/formats/hf_folder.h"
#include "engine/tokenizer/json_field.h"

namespace crescent {
namespace {

constexpr size_t kDepthMax = 64;

/// The events of nlohmann's parser. A value goes to the tree, or to one of the tables while the
/// parser is inside `model.vocab` or `model.merges`.
class Reader {
 public:
  using json = nlohmann::json;

  enum class Root { tokenizer, vocabulary };
  struct Input {
    std::string_view text, where;
    Root root;
  };
  Reader(TokenizerFile& file, const Input& input)
      : file_(file), text_(input.text), where_(input.where), root_(input.root) {}

  bool null() { return value(nullptr); }
  bool boolean(bool v) { return value(v); }
  bool number_integer(json::number_integer_t v) { return integer(v, v); }
  bool number_unsigned(json::number_unsigned_t v) {
    // Ids are held against the number of tokens later, so any too large one is as good as another.
    constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return integer(static_cast<int64_t>(std::min(v, kMax)), v);
  }
  bool number_float(json::number_float_t v, const std::string&) { return value(v); }
  bool binary(json::binary_t&) { return false; }  // not in JSON text

  bool string(std::string& text) {
    if (place_ == Place::merges) return merge(text);
    if (place_ == Place::merge) {
      if (parts_ < 2) part_[parts_].swap(text);
      ++parts_;
      return true;
    }
    return value(std::move(text));
  }

  bool key(std::string& text) {
    key_.swap(text);
    return true;
  }

  bool start_object(size_t) {
    const bool is_vocabulary = root_ == Root::vocabulary ? open_.empty() : is_model_key("vocab");
    if (place_ == Place::tree && is_vocabulary) {
      place_ = Place::vocabulary;
      file_.has_vocabulary = true;
      return true;
    }
    return open(json::object());
  }

  bool end_object() {
    if (place_ == Place::vocabulary) {
      place_ = Place::tree;
      return true;
    }
    return close();
  }

  bool start_array(size_t) {
    if (place_ == Place::tree && root_ == Root::tokenizer && is_model_key("merges")) {
      place_ = Place::merges;
      file_.has_merges = true;
      return true;
    }
    if (place_ == Place::merges) {
      place_ = Place::merge;
      parts_ = 0;
      return true;
    }
    return open(json::array());
  }

  bool end_array() {
    if (place_ == Place::merges) {
      place_ = Place::tree;
      return true;
    }
    if (place_ == Place::merge) {
      place_ = Place::merges;
      if (parts_ != 2) fail_merge(fmt::format("{} strings", parts_));
      file_.merges.append(part_[0], part_[1]);
      return true;
    }
    return close();
  }

  bool parse_error(size_t, const std::string&, const json::exception& error) {
    parse_json(text_, where_);  // which refuses it in the words that all JSON files get
    fail("{}: {}", where_, error.what());
  }

 private:
  enum class Place { tree, vocabulary, merges, merge };
  struct Open {
    json* value;
    std::string key;  ///< of this value in its object
  };

  bool is_model_key(std::string_view name) const {
    return open_.size() == 2 && open_[0].value->is_object() && open_[1].value->is_object() &&
           open_[1].key == "model" && key_ == name;
  }

  bool integer(int64_t id, json number) {
    if (place_ != Place::vocabulary) return value(std::move(number));
    file_.vocabulary.append(key_, id);
    return true;
  }

  bool merge(std::string_view text) {
    const size_t space = text.find(' ');
    if (space == text.npos || text.find(' ', space + 1) != text.npos) fail_merge(in_quotes(text));
    file_.merges.append(text.substr(0, space), text.substr(space + 1));
    return true;
  }

  [[noreturn]] void fail_merge(std::string_view found) const {
    fail("{}: merge {}: expected 'left right' or ['left', 'right'], found {}", where_,
         file_.merges.size() + 1, found);
  }

  /// Puts a value into the tree. Only integers belong into the vocabulary, strings into merges.
  json* put(json&& value) {
    if (place_ == Place::vocabulary) {
      JsonField(&value, where_, "the id of token " + in_quotes(key_)).fail_expected("an integer");
    }
    if (place_ != Place::tree) fail_merge(describe(value));
    if (open_.empty()) {
      file_.rest = std::move(value);
      return &file_.rest;
    }
    json& parent = *open_.back().value;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    const auto [at, added] = parent.emplace(key_, std::move(value));
    if (!added) fail("{}: key {} appears twice in one object", where_, in_quotes(key_));
    return &*at;
  }

  bool value(json v) {
    put(std::move(v));
    return true;
  }

  bool open(json v) {
    if (open_.size() == kDepthMax) {
      fail("{}: expected at most {} levels of nesting, found more", where_, kDepthMax);
    }
    json* const placed = put(std::move(v));
    open_.push_back({placed, key_});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  TokenizerFile& file_;
  std::string_view text_, where_;
  Root root_;
  Place place_ = Place::tree;
  std::vector<Open> open_;  // from the root to the innermost open value of the tree
  std::string key_;         // the latest
  std::string part_[2];     // of a merge in brackets
  size_t parts_ = 0;
};

TokenizerFile read(const Reader::Input& input) {
  constexpr size_t kBytesMax = 256u << 20;
  if (input.text.size() > kBytesMax) {
    fail("{}: expected at most {} bytes of JSON, found {}", input.where, kBytesMax,
         input.text.size());
  }
  TokenizerFile file;
  Reader reader(file, input);
  nlohmann::json::sax_parse(input.text, &reader);
  return file;
}

}  // namespace

TokenizerFile read_tokenizer_file(std::string_view text, std::string_view where) {
  return read({text, where, Reader::Root::tokenizer});
}

Vocabulary read_vocabulary(std::string_view text, std::string_view where) {
  TokenizerFile file = read({text, where, Reader::Root::vocabulary});
  if (!file.has_vocabulary) JsonField(&file.rest, where).fail_expected("an object");
  return std::move(file.vocabulary);
}

}  // namespace crescent
