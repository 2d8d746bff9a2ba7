#include "engine/families/family.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/error.h"
#include "engine/families/known.h"
#include "engine/formats/describe.h"
#include "engine/nearest.h"

namespace crescent {

std::string stored_name(const TensorSpec& tensor, std::string_view prefix) {
  if (tensor.slot == Slot::head_weight) return tensor.name;
  return std::string(prefix) + tensor.name;
}

std::span<const Family* const> families() {
  static const std::array<const Family*, 2> all{&gpt2_family(), &llama_family()};
  return all;
}

const Family& family_of(std::string_view model_type, std::string_view where) {
  std::vector<std::string_view> known;
  for (const Family* family : families()) {
    if (family->model_type() == model_type) return *family;
    known.push_back(family->model_type());
  }
  fail("{}: field 'model_type': expected one of {}, found {}{}", where, fmt::join(known, ", "),
       in_quotes(model_type), did_you_mean(model_type, known));
}

bool is_of_some_layer(std::string_view name, std::string_view before, const DecoderConfig& config,
                      std::initializer_list<std::string_view> rests) {
  if (!name.starts_with(before)) return false;
  name.remove_prefix(before.size());
  size_t layer = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  if (error != std::errc() || layer >= config.layers.size()) return false;
  name.remove_prefix(static_cast<size_t>(end - name.data()));
  return std::find(rests.begin(), rests.end(), name) != rests.end();
}

}  // namespace crescent
