#include "engine/prune/plan.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/formats/describe.h"

// A saved plan is one JSON object:
//
//   crescent_plan  1
//   model_hash, family, criterion, seed, context
//   data           { source, hash, tokens, window } or absent
//   removed        [ [kind, layer, index, score, parameters], ... ]   layer and index from 1;
//                  an infinite score is 'inf' or '-inf', since JSON has no such numbers
//   masks          [ { tensor, elements, kept } ]   kept: hex, two digits a byte of eight weights
//   before, after  { parameters: { part: n }, bytes, flops: { part: n }, elements_read }
//   notes          [ text ]
//   scores         { kind: [ [score, ...] a layer ] }

namespace crescent {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr uint64_t kCountMax = uint64_t{1} << 53;

constexpr const char* kInfinite = "inf";
constexpr const char* kMinusInfinite = "-inf";

Json to_json(const PartCounts& counts) {
  Json json = Json::object();
  for (int part = 0; part < kParts; ++part) {
    json[name_of(static_cast<Part>(part))] = counts.by_part[static_cast<size_t>(part)];
  }
  return json;
}

Json to_json(const ModelFigures& figures) {
  return {{"parameters", to_json(figures.parameters)},
          {"bytes", figures.bytes},
          {"flops", to_json(figures.flops)},
          {"elements_read", figures.elements_read}};
}

Json score_to_json(double score) {
  if (std::isinf(score)) return score > 0 ? kInfinite : kMinusInfinite;
  return score;
}

std::string to_hex(const std::vector<uint8_t>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// Reads one file's fields with one message for every fault.
class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  [[noreturn]] void refuse(std::string_view field, std::string_view expected,
                           const Json* found) const {
    fail("{}: field '{}': expected {}, found {}", where_, field, expected,
         found ? describe(*found) : "nothing");
  }
  const Json* find(const Json& object, const char* name) const {
    const auto at = object.find(name);
    return at == object.end() ? nullptr : &*at;
  }
  const Json& array(const Json& object, const char* name) const {
    const Json* value = find(object, name);
    if (!value || !value->is_array()) refuse(name, "a list", value);
    return *value;
  }
  const Json& object(const Json& parent, const char* name) const {
    const Json* value = find(parent, name);
    if (!value || !value->is_object()) refuse(name, "an object", value);
    return *value;
  }
  std::string text(const Json& object, const char* name) const {
    const Json* value = find(object, name);
    if (!value || !value->is_string()) refuse(name, "a text", value);
    return value->get<std::string>();
  }
  uint64_t number(const Json* value, std::string_view field) const {
    const auto number = value ? whole_number(*value) : std::nullopt;
    if (!number) refuse(field, "a whole number", value);
    return *number;
  }
  int64_t count(const Json* value, std::string_view field) const {
    const uint64_t number = this->number(value, field);
    if (number > kCountMax) refuse(field, fmt::format("at most {}", kCountMax), value);
    return static_cast<int64_t>(number);
  }
  int64_t count(const Json& object, const char* name) const {
    return count(find(object, name), name);
  }
  PartCounts parts(const Json& parent, const char* name) const {
    const Json& by_part = object(parent, name);
    PartCounts counts;
    for (int part = 0; part < kParts; ++part) {
      counts.by_part[static_cast<size_t>(part)] = count(by_part, name_of(static_cast<Part>(part)));
    }
    return counts;
  }
  ModelFigures figures(const Json& parent, const char* name) const {
    const Json& json = object(parent, name);
    return {.parameters = parts(json, "parameters"),
            .bytes = count(json, "bytes"),
            .flops = parts(json, "flops"),
            .elements_read = count(json, "elements_read")};
  }

  Scores scores(const std::string& name, const Json& layers) const {
    Scores scores{.kind = kind(name), .of = {}};
    if (!layers.is_array()) refuse("scores", "a list for each layer", &layers);
    for (const Json& layer : layers) {
      if (!layer.is_array()) refuse("scores", "a list for each layer", &layer);
      std::vector<double> of_layer;
      for (const Json& value : layer) of_layer.push_back(score(value));
      scores.of.push_back(std::move(of_layer));
    }
    return scores;
  }

  ScoredUnit unit(const Json& entry) const {
    if (!entry.is_array() || entry.size() != 5 || !entry[0].is_string()) {
      refuse("removed", "entries [kind, layer, index, score, parameters]", &entry);
    }
    ScoredUnit unit;
    unit.unit.kind = kind(entry[0]);
    unit.unit.layer = number_from_one(entry[1]);
    unit.unit.index = number_from_one(entry[2]);
    unit.score = score(entry[3]);
    unit.parameters = count(&entry[4], "removed");
    return unit;
  }

  WeightMask mask(const Json& entry) const {
    if (!entry.is_object()) refuse("masks", "objects", &entry);
    WeightMask mask{.tensor = text(entry, "tensor"),
                    .elements = count(entry, "elements"),
                    .removed = 0,
                    .kept = {}};
    const std::string hex = text(entry, "kept");
    const auto bytes = static_cast<size_t>((mask.elements + 7) / 8);
    if (hex.size() != 2 * bytes) {
      fail("{}: field 'masks': expected {} hex digits for {} weights of {}, found {}", where_,
           2 * bytes, mask.elements, in_quotes(mask.tensor), hex.size());
    }
    int64_t kept = 0;
    for (size_t i = 0; i < bytes; ++i) {
      const int byte = digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]);
      mask.kept.push_back(static_cast<uint8_t>(byte));
      kept += std::popcount(static_cast<unsigned>(byte));
    }
    const auto bits_of_last = static_cast<unsigned>(mask.elements % 8);
    if (bits_of_last != 0 && mask.kept.back() >> bits_of_last != 0) {
      fail("{}: field 'masks': bits are set behind the last of the {} weights of {}", where_,
           mask.elements, in_quotes(mask.tensor));
    }
    mask.removed = mask.elements - kept;
    return mask;
  }

 private:
  UnitKind kind(const Json& name) const {
    for (int kind = 0; kind < kUnitKinds; ++kind) {
      if (name == name_of(static_cast<UnitKind>(kind))) return static_cast<UnitKind>(kind);
    }
    refuse("removed", "a kind of unit", &name);
  }
  double score(const Json& value) const {
    if (value == kInfinite) return std::numeric_limits<double>::infinity();
    if (value == kMinusInfinite) return -std::numeric_limits<double>::infinity();
    if (!value.is_number()) refuse("removed", "a score", &value);
    return value.get<double>();
  }
  int32_t number_from_one(const Json& value) const {
    const auto number = whole_number(value);
    if (!number || *number < 1 || *number > INT32_MAX) {
      refuse("removed", "numbers from 1", &value);
    }
    return static_cast<int32_t>(*number - 1);
  }
  int digit(char c) const {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    fail("{}: field 'masks': expected hex digits, found {}", where_,
         in_quotes(std::string_view(&c, 1)));
  }
  std::string_view where_;
};

}  // namespace

ModelFigures figures_of(const DecoderConfig& config, const Layout& layout,
                        double bytes_per_parameter, int64_t context) {
  ModelFigures figures;
  figures.parameters = parameters(layout);
  figures.bytes = static_cast<int64_t>(
      std::llround(static_cast<double>(figures.parameters.total()) * bytes_per_parameter));
  figures.flops = flops_per_token(config, context);
  figures.elements_read = elements_read_per_token(config, layout);
  return figures;
}

std::vector<Unit> Plan::units() const {
  std::vector<Unit> units;
  for (const ScoredUnit& scored : removed) units.push_back(scored.unit);
  return units;
}

Json to_json(const Plan& plan) {
  Json json{{"crescent_plan", kVersion},
            {"model_hash", plan.model_hash},
            {"family", plan.family},
            {"criterion", plan.criterion},
            {"seed", plan.seed},
            {"context", plan.context},
            {"removed", Json::array()},
            {"masks", Json::array()},
            {"before", to_json(plan.before)},
            {"after", to_json(plan.after)},
            {"notes", plan.notes}};
  if (plan.data) {
    json["data"] = {{"source", plan.data->source},
                    {"hash", plan.data->hash},
                    {"tokens", plan.data->tokens},
                    {"window", plan.data->window}};
  }
  for (const ScoredUnit& s : plan.removed) {
    json["removed"].push_back({name_of(s.unit.kind), s.unit.layer + 1, s.unit.index + 1,
                               score_to_json(s.score), s.parameters});
  }
  for (const WeightMask& mask : plan.masks) {
    json["masks"].push_back(
        {{"tensor", mask.tensor}, {"elements", mask.elements}, {"kept", to_hex(mask.kept)}});
  }
  json["scores"] = Json::object();
  for (const Scores& scores : plan.scores) {
    Json layers = Json::array();
    for (const auto& layer : scores.of) {
      layers.push_back(Json::array());
      for (const double score : layer) layers.back().push_back(score_to_json(score));
    }
    json["scores"][name_of(scores.kind)] = std::move(layers);
  }
  return json;
}

Plan plan_from_json(const Json& json, std::string_view where) {
  const Reader reader(where);
  if (!json.is_object()) fail("{}: expected an object, found {}", where, describe(json));
  const Json* version = reader.find(json, "crescent_plan");
  if (!version || *version != kVersion) {
    reader.refuse("crescent_plan", fmt::format("{} (a plan that plan:save wrote)", kVersion),
                  version);
  }
  Plan plan;
  plan.model_hash = reader.text(json, "model_hash");
  plan.family = reader.text(json, "family");
  plan.criterion = reader.text(json, "criterion");
  plan.seed = reader.number(reader.find(json, "seed"), "seed");
  plan.context = reader.count(json, "context");
  if (reader.find(json, "data")) {
    const Json& data = reader.object(json, "data");
    plan.data = DataUsed{.source = reader.text(data, "source"),
                         .hash = reader.text(data, "hash"),
                         .tokens = reader.count(data, "tokens"),
                         .window = reader.count(data, "window")};
  }
  for (const Json& entry : reader.array(json, "removed")) {
    plan.removed.push_back(reader.unit(entry));
  }
  for (const Json& entry : reader.array(json, "masks")) plan.masks.push_back(reader.mask(entry));
  plan.before = reader.figures(json, "before");
  plan.after = reader.figures(json, "after");
  for (const Json& note : reader.array(json, "notes")) {
    if (!note.is_string()) reader.refuse("notes", "texts", &note);
    plan.notes.push_back(note.get<std::string>());
  }
  if (reader.find(json, "scores")) {  // for pictures only
    for (const auto& [name, layers] : reader.object(json, "scores").items()) {
      plan.scores.push_back(reader.scores(name, layers));
    }
  }
  return plan;
}

void check_belongs(const Plan& plan, const std::string& model_hash) {
  if (plan.model_hash == model_hash) return;
  fail("the plan was made for the model with hash {}, this one has {}; make a plan for this model",
       plan.model_hash, model_hash);
}

}  // namespace crescent
