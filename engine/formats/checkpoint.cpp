#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/formats/hf_folder.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/shard_index.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

bool is_there(const fs::path& path) {
  std::error_code ignored;  // what can't be seen is told when it is opened
  return fs::exists(path, ignored);
}

bool is_plain_shard_name(std::string_view name) {
  return name.size() <= 255 && name.ends_with(".safetensors") && !name.starts_with('.') &&
         name.find_first_of("/\\:") == name.npos && is_free_of_controls(name);
}

/// Names of the folder's files with this ending, sorted.
std::vector<std::string> files_ending(const fs::path& folder, std::string_view ending) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(ending)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void refuse_without_weights(const fs::path& folder) {
  const std::string where = folder.string();
  const auto expected = fmt::format("expected {} (or {} and its shards)", kSingleFile, kIndexFile);
  if (const auto pickled = files_ending(folder, ".bin"); !pickled.empty()) {
    fail(
        "{}: {}, found only {}; crescent reads safetensors alone, convert once with transformers: "
        "AutoModelForCausalLM.from_pretrained('{}').save_pretrained('{}', "
        "safe_serialization=True)",
        where, expected, pickled.front(), where, where);
  }
  if (const auto others = files_ending(folder, ".safetensors"); !others.empty()) {
    fail("{}: {}, found neither, but {}; rename it if it is the whole model", where, expected,
         others.front());
  }
  fail("{}: {}, found no weights", where, expected);
}

/// A shard must hold exactly the tensors that the index places in it.
void check_shard(const SafetensorsFile& shard, const ShardOfTensor& shard_of_tensor) {
  const std::string where = shard.path().string();
  const std::string shard_name = shard.path().filename().string();
  std::set<std::string_view> held;
  for (const TensorEntry& entry : shard.entries()) {
    held.insert(entry.name);
    const auto listed = shard_of_tensor.find(entry.name);
    if (listed == shard_of_tensor.end()) {
      fail("{}: tensor {}: expected in no shard, as {} doesn't list it, found here", where,
           in_quotes(entry.name), kIndexFile);
    }
    if (listed->second != shard_name) {
      fail("{}: tensor {}: expected in {}, as {} says, found here", where, in_quotes(entry.name),
           listed->second, kIndexFile);
    }
  }
  for (const auto& [tensor, name] : shard_of_tensor) {
    if (name == shard_name && !held.contains(tensor)) {
      fail("{}: tensor {}: expected here, as {} says, found no such tensor", where,
           in_quotes(tensor), kIndexFile);
    }
  }
}

std::vector<std::shared_ptr<const SafetensorsFile>> open_shards(const fs::path& folder) {
  const fs::path index = folder / kIndexFile;
  const ShardOfTensor shard_of_tensor = read_shard_index(read_json(index), index.string());
  std::set<std::string> names;
  for (const auto& [tensor, shard] : shard_of_tensor) names.insert(shard);
  for (const std::string& name : names) {
    if (!is_there(folder / name)) {
      fail("{}: expected shard {} beside it, found no such file (tried {})", index.string(), name,
           (folder / name).string());
    }
  }
  std::vector<std::shared_ptr<const SafetensorsFile>> files;
  for (const std::string& name : names) {
    files.push_back(SafetensorsFile::open(folder / name));
    check_shard(*files.back(), shard_of_tensor);
  }
  return files;
}

}  // namespace

ShardOfTensor read_shard_index(const nlohmann::json& index, std::string_view where) {
  const char* const expected = "an object that names each tensor's shard";
  if (!index.is_object()) fail("{}: expected an object, found {}", where, describe(index));
  const auto map = index.find("weight_map");
  if (map == index.end())
    fail("{}: field 'weight_map': expected {}, found nothing", where, expected);
  if (!map->is_object() || map->empty()) {
    fail("{}: field 'weight_map': expected {}, found {}", where, expected,
         map->is_object() ? "an empty one" : describe(*map));
  }
  ShardOfTensor shard_of_tensor;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string() || !is_plain_shard_name(shard.get_ref<const std::string&>())) {
      fail("{}: tensor {}: expected the name of a .safetensors file in this folder, found {}",
           where, in_quotes(tensor), describe(shard));
    }
    shard_of_tensor.emplace(tensor, shard.get<std::string>());
  }
  return shard_of_tensor;
}

Checkpoint Checkpoint::open(const fs::path& folder) {
  Checkpoint checkpoint;
  if (is_there(folder / kSingleFile)) {
    checkpoint.files_.push_back(SafetensorsFile::open(folder / kSingleFile));
  } else if (is_there(folder / kIndexFile)) {
    checkpoint.files_ = open_shards(folder);
  } else {
    refuse_without_weights(folder);
  }
  for (const auto& file : checkpoint.files_) {
    for (const TensorEntry& entry : file->entries()) {
      checkpoint.tensors_.emplace(entry.name, Stored{&entry, file});
    }
  }
  return checkpoint;
}

const Checkpoint::Stored* Checkpoint::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

uint64_t Checkpoint::bytes() const {
  uint64_t total = 0;
  for (const auto& [name, stored] : tensors_) total += stored.entry->bytes;
  return total;
}

}  // namespace crescent
