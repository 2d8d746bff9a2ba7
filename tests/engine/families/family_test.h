#pragma once
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "engine/families/family.h"
#include "engine/formats/hf_folder.h"
#include "tests/engine/formats/support.h"

namespace crescent {

/// A family held against config.json: that of its first fixture, with a setting changed.
class FamilyTest : public testing::Test {
 protected:
  using Json = nlohmann::json;

  explicit FamilyTest(const char* name) : name_(name) {}

  const Family& family() const { return family_of(name_, ""); }

  Json valid(const std::string& model = "") const {
    return read_json(fixture("models/") + (model.empty() ? name_ : model) + "/config.json");
  }
  DecoderConfig read(const Json& config) const { return family().read(config, "config.json"); }
  DecoderConfig read_with(const char* key, const Json& value) const {
    Json config = valid();
    config[key] = value;
    return read(config);
  }
  std::string refusal_with(const char* key, const Json& value) const {
    return message_of([&] { read_with(key, value); });
  }
  /// Why what `change` makes of the valid description can't be written.
  template <class Change>
  std::string refusal_to_write(const Change& change) const {
    DecoderConfig config = read(valid());
    change(config);
    return message_of([&] { family().write(config); });
  }

 private:
  std::string name_;
};

}  // namespace crescent
