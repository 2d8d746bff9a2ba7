#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace crescent {

/// A value in a JSON file together with its place, so that a message can say
/// "FILE: model.vocab: expected an object, found a list of 3". An absent one counts as null.
class JsonField {
 public:
  JsonField(const nlohmann::json* value, std::string_view where, std::string path = {})
      : value_(value), where_(where), path_(std::move(path)) {}

  /// @throws Error unless this is an object (or null: then the field is absent too).
  JsonField operator[](std::string_view key) const;
  JsonField operator[](size_t index) const;  ///< of an array, below size()

  bool is_null() const { return value_ == nullptr || value_->is_null(); }
  std::string_view where() const { return where_; }  ///< the file
  const nlohmann::json* value() const { return value_; }
  const nlohmann::json& object() const;
  const nlohmann::json& array() const;
  const std::string& string() const;
  bool boolean() const;
  bool boolean_or(bool fallback) const { return is_null() ? fallback : boolean(); }
  int64_t integer() const;
  size_t size() const { return array().size(); }

  /// @param expected  "a list", "null or 0".
  [[noreturn]] void fail_expected(std::string_view expected) const;

 private:
  const nlohmann::json* value_;  ///< null: absent
  std::string_view where_;
  std::string path_;
};

}  // namespace crescent
