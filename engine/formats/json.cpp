// JSON from outside: nlohmann's parser with a builder of our own, because the library's keeps the
// last of two equal keys without a word and nests as deep as the file says.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/formats/hf_folder.h"

namespace crescent {
namespace {

using Json = nlohmann::json;

constexpr size_t kDepthMax = 64;
constexpr size_t kReasonBytesMax = 200;  // the library quotes the whole token it stumbled over

class Builder final : public Json::json_sax_t {
 public:
  Builder(std::string_view text, std::string_view where, const MemberReader* reader = nullptr)
      : text_(text), where_(where), reader_(reader) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in JSON text

  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    const auto [member, is_new] = members.try_emplace(name);
    if (!is_new) fail("{}: key {} appears twice in one object", where_, in_quotes(name));
    member_ = &member->second;
    if (open_.size() == 1) outer_ = &*member, values_ = 0;
    return true;
  }

  bool parse_error(size_t position, const std::string&, const Json::exception& error) override {
    const std::string_view before = text_.substr(0, position > 0 ? position - 1 : 0);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    fail("{}: not valid JSON at line {}, column {}: {}", where_, line, column, reason(error));
  }

 private:
  /// Where the value belongs: the root, the member whose key came last, or the end of a list.
  Json* place(Json&& value) {
    if (reader_ != nullptr && ++values_ > reader_->values_max && outer_ != nullptr) {
      fail("{}: expected at most {} values in {}, found more", where_, reader_->values_max,
           in_quotes(outer_->first));
    }
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_object()) return &(*member_ = std::move(value));
    return &open_.back()->get_ref<Json::array_t&>().emplace_back(std::move(value));
  }
  bool add(Json&& value) {
    place(std::move(value));
    hand_over();
    return true;
  }
  bool open(Json&& empty) {
    if (open_.size() == kDepthMax) {
      fail("{}: expected at most {} levels of nesting, found more", where_, kDepthMax);
    }
    // A parent grows only after its child is closed, so the pointers stay valid.
    open_.push_back(place(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    hand_over();
    return true;
  }
  /// Gives a member of the outermost object away when it is complete.
  void hand_over() {
    if (reader_ == nullptr || open_.size() != 1 || outer_ == nullptr) return;
    reader_->read(outer_->first, outer_->second);
    outer_->second = nullptr;
  }

  /// The library's words without its prefix: "unexpected ','; expected string literal".
  static std::string reason(const Json::exception& error) {
    const std::string_view what = error.what();
    size_t begin = what.find(" - ");
    begin = begin == what.npos ? what.find("] ") + 2 : begin + 3;
    const std::string_view words = what.substr(std::min(begin, what.size()));
    std::string kept;
    for (const char c : words.substr(0, kReasonBytesMax)) {  // it quotes any bytes: keep ASCII
      if (c >= 0x20 && c < 0x7F) kept += c;
      else kept += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return words.size() > kReasonBytesMax ? kept + "..." : kept;
  }

  std::string_view text_, where_;
  const MemberReader* reader_;
  Json::object_t::value_type* outer_ = nullptr;  // the outermost object's member that we are in
  size_t values_ = 0;                            // in it
  Json root_;
  std::vector<Json*> open_;  // the objects and arrays that we are in
  Json* member_ = nullptr;   // of the innermost object: where its next value goes
};

void check_size(std::string_view text, std::string_view where, size_t bytes_max) {
  if (text.size() > bytes_max) {
    fail("{}: expected at most {} bytes of JSON, found {}", where, bytes_max, text.size());
  }
}

}  // namespace

void parse_json_members(std::string_view text, std::string_view where, size_t bytes_max,
                        const MemberReader& reader) {
  check_size(text, where, bytes_max);
  Builder builder(text, where, &reader);
  Json::sax_parse(text.begin(), text.end(), &builder);
}

nlohmann::json parse_json(std::string_view text, std::string_view where, size_t bytes_max) {
  check_size(text, where, bytes_max);
  Builder builder(text, where);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

nlohmann::json read_json(const std::filesystem::path& path) {
  // Settings and indices: kilobytes. Parsed JSON takes up to thirty times its text.
  constexpr size_t kBytesMax = size_t{32} << 20;
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(),
                    kBytesMax);
}

}  // namespace crescent
