#include "engine/formats/hf_folder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.h"
#include "engine/formats/config_json.h"
#include "engine/formats/describe.h"
#include "engine/model/presets.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string absolute_text(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? path.string() : absolute.lexically_normal().string();
}

bool is_preset(std::string_view name) {
  const auto all = presets();
  return std::any_of(all.begin(), all.end(), [&](const Preset& p) { return p.name == name; });
}

void check_is_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  const std::string name = folder.string();
  if (fs::is_directory(status)) return;
  if (error && status.type() != fs::file_type::not_found) {
    fail("{}: cannot be opened: {}", name, error.message());
  }
  if (fs::exists(status)) {
    fail("{}: expected a folder with config.json and model.safetensors, found a file", name);
  }
  const std::string missing =
      fmt::format("{}: expected a folder, found none (tried {})", name, absolute_text(folder));
  if (is_preset(name)) {
    fail(
        "{}; '{}' is a preset: crescent.preset('{}') makes its shape with random weights; crescent "
        "downloads nothing",
        missing, name, name);
  }
  fail(
      "{}; crescent downloads nothing: give the path of a folder with config.json and "
      "model.safetensors",
      missing);
}

Json read_required_json(const fs::path& folder, const char* name) {
  std::error_code error;  // what can't be looked at is told when it is opened
  if (!fs::exists(folder / name, error) && !error) {
    fail("{}: expected {}, found no such file (tried {})", folder.string(), name,
         absolute_text(folder / name));
  }
  return read_json(folder / name);
}

int32_t read_id(const Json& id, std::string_view where) {
  const auto number = whole_number(id);
  if (!number || *number > INT32_MAX) {
    fail("{}: field 'eos_token_id': expected a token id or a list of them, found {}", where,
         describe(id));
  }
  return static_cast<int32_t>(*number);
}

/// An id, a list of ids, or nothing. Ids beyond the vocabulary are kept: files made from a
/// family's defaults have them, and a token that can't be sampled ends nothing.
std::vector<int32_t> read_end_of_text(const Json& object, std::string_view where) {
  const auto field = object.find("eos_token_id");
  if (field == object.end() || field->is_null()) return {};
  if (!field->is_array()) return {read_id(*field, where)};
  std::vector<int32_t> ids;
  for (const Json& id : *field) ids.push_back(read_id(id, where));
  return ids;
}

void read_generation_config(const fs::path& path, std::vector<int32_t>& end_of_text) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  const Json json = read_json(path);
  if (!json.is_object()) fail("{}: expected an object, found {}", path.string(), describe(json));
  const auto field = json.find("eos_token_id");
  if (field == json.end() || field->is_null()) return;
  end_of_text = read_end_of_text(json, path.string());
}

/// The prefix under which most of the layout is found: the name that is missing or misspelt in a
/// broken file then appears in the message as that file would spell it.
std::string_view prefix_used(const HfFolder& folder) {
  std::string_view best = folder.family->prefixes().front();
  size_t most = 0;
  for (const std::string_view prefix : folder.family->prefixes()) {
    size_t found = 0;
    for (const TensorSpec& tensor : folder.layout) {
      if (folder.checkpoint.find(stored_name(tensor, prefix))) ++found;
    }
    if (found > most) {
      most = found;
      best = prefix;
    }
  }
  return best;
}

/// The file to name where a tensor is missing: the only one, or the index of the shards.
std::string weights_path(const HfFolder& folder) {
  const fs::path single = folder.path / "model.safetensors";
  const auto& files = folder.checkpoint.files();
  const bool is_single = files.size() == 1 && files.front()->path() == single;
  return (is_single ? single : folder.path / "model.safetensors.index.json").string();
}

void check_dtype(const Checkpoint::Stored& stored) {
  const Dtype dtype = stored.entry->dtype;
  if (dtype != Dtype::float32 && dtype != Dtype::float16 && dtype != Dtype::bfloat16) {
    fail("{}: tensor {}: expected dtype F32, F16 or BF16, found {}", stored.file->path().string(),
         in_quotes(stored.entry->name), safetensors_name_of(dtype));
  }
}

void check_shape(const Checkpoint::Stored& stored, const std::vector<int64_t>& expected) {
  if (stored.entry->shape != expected) {
    fail("{}: tensor {}: expected shape {}, as config.json says, found {}",
         stored.file->path().string(), in_quotes(stored.entry->name), shape_text(expected),
         shape_text(stored.entry->shape));
  }
}

[[noreturn]] void refuse_missing(const HfFolder& folder, const TensorSpec& tensor) {
  const char* hint = tensor.slot == Slot::head_weight
                         ? "; a tied head needs \"tie_word_embeddings\": true in config.json"
                         : "";
  fail("{}: tensor {}: expected shape {}, as config.json says, found no such tensor{}",
       weights_path(folder), in_quotes(stored_name(tensor, folder.prefix)),
       shape_text(tensor.shape), hint);
}

void find_tensors(HfFolder& folder) {
  folder.stored.reserve(folder.layout.size());
  for (const TensorSpec& tensor : folder.layout) {
    const auto* stored = folder.checkpoint.find(stored_name(tensor, folder.prefix));
    if (!stored) refuse_missing(folder, tensor);
    check_shape(*stored, tensor.shape);
    check_dtype(*stored);
    folder.stored.push_back(*stored);
  }
}

/// A head that is stored beside a tied embedding must at least look like it.
void check_stored_tied_head(const HfFolder& folder) {
  if (!folder.config.tied_head) return;
  if (const auto* head = folder.checkpoint.find("lm_head.weight")) {
    check_shape(*head, {folder.config.vocab, folder.config.d_model});
    check_dtype(*head);
  }
}

void refuse_unexpected(const HfFolder& folder) {
  std::set<std::string_view> expected;
  for (const auto& stored : folder.stored) expected.insert(stored.entry->name);
  for (const auto& [name, stored] : folder.checkpoint.tensors()) {
    if (expected.contains(name)) continue;
    std::string_view bare = name;
    if (bare.starts_with(folder.prefix)) bare.remove_prefix(folder.prefix.size());
    if (folder.family->ignorable(bare, folder.config)) continue;
    fail("{}: tensor {}: expected no such tensor in a {} with {} layers, found one of shape {}",
         stored.file->path().string(), in_quotes(name), folder.family->model_type(),
         folder.config.layers.size(), shape_text(stored.entry->shape));
  }
}

}  // namespace

ReadConfig read_hf_config(const Json& config, std::string_view where) {
  if (!config.is_object()) fail("{}: expected an object, found {}", where, describe(config));
  FamilyConfig read = read_config(config, where);
  return {read.family, std::move(read.config), read_end_of_text(config, where)};
}

HfFolder open_hf_folder(const fs::path& path) {
  check_is_folder(path);
  const Json json = read_required_json(path, "config.json");
  ReadConfig config = read_hf_config(json, (path / "config.json").string());
  HfFolder folder{.path = path,
                  .family = config.family,
                  .config = std::move(config.config),
                  .checkpoint = Checkpoint::open(path),
                  .end_of_text = std::move(config.end_of_text)};
  read_generation_config(path / "generation_config.json", folder.end_of_text);
  folder.layout = folder.family->layout(folder.config);
  folder.prefix = prefix_used(folder);
  find_tensors(folder);
  check_stored_tied_head(folder);
  refuse_unexpected(folder);
  return folder;
}

}  // namespace crescent
