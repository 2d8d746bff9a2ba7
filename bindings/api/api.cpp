#include "bindings/api/api.h"

#include <fmt/format.h>

#include <cmath>
#include <unordered_map>

namespace crescent::api {
namespace {

std::string quoted_list(const std::vector<std::string_view>& choices, std::string_view between) {
  std::string text;
  for (size_t i = 0; i < choices.size(); ++i)
    text += fmt::format("{}'{}'", i == 0 ? "" : between, choices[i]);
  return text;
}

std::string range_words(const Value& value) {
  const bool low = std::isfinite(value.low), high = std::isfinite(value.high);
  if (low && high)
    return fmt::format(" in {}{}, {}{}", value.low_open ? '(' : '[', value.low, value.high,
                       value.high_open ? ')' : ']');
  if (low) return fmt::format(" {} {}", value.low_open ? ">" : ">=", value.low);
  if (high) return fmt::format(" {} {}", value.high_open ? "<" : "<=", value.high);
  return "";
}

}  // namespace

std::string Value::expected() const {
  switch (kind) {
    case Kind::any: return "a value";
    case Kind::boolean: return "true or false";
    case Kind::number: return "a number" + range_words(*this);
    case Kind::integer: return "an integer" + range_words(*this);
    case Kind::text: return "a string";
    case Kind::table: return "a table";
    case Kind::function: return "a function";
    case Kind::choice: return quoted_list(choices, " or ");
    case Kind::ids: return "a list of token ids";
    case Kind::text_or_ids: return "a string or a list of token ids";
    case Kind::dims: return "integers";
    case Kind::tensor: return "a tensor";
    case Kind::tensors: return "a list of tensors";
    case Kind::model: return "a model";
    case Kind::session: return "a session";
    case Kind::plan: return "a plan";
    case Kind::store: return "a store";
    case Kind::profiling: return "a profile session";
    case Kind::sweep: return "a sweep";
    case Kind::child: return "a child process";
    case Kind::channel: return "a channel";
    case Kind::tokenizer: return "a tokenizer";
    case Kind::tensor_or_number: return "a tensor or a number";
  }
  return "";
}

std::string Value::lua_type() const {
  switch (kind) {
    case Kind::any: return "any";
    case Kind::boolean: return "boolean";
    case Kind::number: return "number";
    case Kind::integer: return "integer";
    case Kind::text: return "string";
    case Kind::table: return "table";
    case Kind::function: return "function";
    case Kind::choice: return quoted_list(choices, "|");
    case Kind::ids: return "integer[]";
    case Kind::text_or_ids: return "string|integer[]";
    case Kind::dims: return "integer|integer[]";
    case Kind::tensor: return "crescent.Tensor";
    case Kind::tensors: return "crescent.Tensor[]";
    case Kind::model: return "crescent.Model";
    case Kind::session: return "crescent.Session";
    case Kind::plan: return "crescent.Plan";
    case Kind::store: return "crescent.Store";
    case Kind::profiling: return "crescent.Profiling";
    case Kind::sweep: return "crescent.Sweep";
    case Kind::child: return "crescent.Child";
    case Kind::channel: return "crescent.Channel";
    case Kind::tokenizer: return "crescent.Tokenizer";
    case Kind::tensor_or_number: return "crescent.Tensor|number";
  }
  return "any";
}

const Function* find_function(std::string_view name) {
  static const auto index = [] {
    std::unordered_map<std::string_view, const Function*> map;
    for (const Subject* subject : subjects())
      for (const auto& function : subject->functions) map.emplace(function.name, &function);
    return map;
  }();
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace crescent::api
