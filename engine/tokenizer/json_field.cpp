#include "engine/tokenizer/json_field.h"

#include <limits>

#include "engine/error.h"
#include "engine/formats/describe.h"

namespace crescent {

void JsonField::fail_expected(std::string_view expected) const {
  fail("{}: {}{}expected {}, found {}", where_, path_, path_.empty() ? "" : ": ", expected,
       value_ == nullptr ? "nothing" : describe(*value_));
}

JsonField JsonField::operator[](std::string_view key) const {
  std::string path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  if (is_null()) return {nullptr, where_, std::move(path)};
  const auto found = object().find(key);
  return {found == value_->end() ? nullptr : &*found, where_, std::move(path)};
}

JsonField JsonField::operator[](size_t index) const {
  return {&array()[index], where_, path_ + "[" + std::to_string(index) + "]"};
}

const nlohmann::json& JsonField::object() const {
  if (value_ == nullptr || !value_->is_object()) fail_expected("an object");
  return *value_;
}

const nlohmann::json& JsonField::array() const {
  if (value_ == nullptr || !value_->is_array()) fail_expected("a list");
  return *value_;
}

const std::string& JsonField::string() const {
  if (value_ == nullptr || !value_->is_string()) fail_expected("a string");
  return value_->get_ref<const std::string&>();
}

bool JsonField::boolean() const {
  if (value_ == nullptr || !value_->is_boolean()) fail_expected("true or false");
  return value_->get<bool>();
}

int64_t JsonField::integer() const {
  if (value_ == nullptr || !value_->is_number_integer()) fail_expected("an integer");
  if (value_->is_number_unsigned() &&
      value_->get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    fail_expected("an integer below 2^63");
  }
  return value_->get<int64_t>();
}

}  // namespace crescent
