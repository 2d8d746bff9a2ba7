#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "engine/families/family.h"
#include "engine/formats/safetensors.h"
#include "engine/model/config.h"

namespace crescent {

/// A checked model folder: description, weights (mapped, unread) and where each belongs.
struct HfFolder {
  std::filesystem::path path;
  const Family* family = nullptr;
  DecoderConfig config;
  Layout layout;                           ///< same order as `stored`
  std::vector<Checkpoint::Stored> stored;  ///< one for each of `layout`
  std::string prefix;                      ///< what this file puts before the names
  Checkpoint checkpoint;
  std::vector<int32_t>
      end_of_text;  ///< ids: generation_config.json, else config.json; may be empty
};

/// Reads config.json, opens the weights, and holds every tensor's name, dtype and shape against
/// the description. Reads no tensor data and no tokenizer.
/// @throws Error; 'gpt2' and the like without a folder are told about presets.
HfFolder open_hf_folder(const std::filesystem::path& folder);

/// Parses JSON that came from outside: at most `bytes_max` bytes, nesting at most 64, no duplicate
/// keys.
/// @throws Error naming `where` and the position.
nlohmann::json parse_json(std::string_view text, std::string_view where,
                          size_t bytes_max = 256u << 20);
/// Takes the members of an object one by one, each gone before the next is read: what a hostile
/// file can make of a few bytes is never all in memory at once.
struct MemberReader {
  size_t values_max;  ///< in one member, those inside of it counted too
  std::function<void(const std::string& name, const nlohmann::json& value)> read;
};
/// As parse_json, in the file's order. A text that is no object has no members.
void parse_json_members(std::string_view text, std::string_view where, size_t bytes_max,
                        const MemberReader& reader);
nlohmann::json read_json(const std::filesystem::path& path);

/// The checks of config.json alone: what the fuzzer calls.
struct ReadConfig {
  const Family* family;
  DecoderConfig config;
  std::vector<int32_t> end_of_text;
};
ReadConfig read_hf_config(const nlohmann::json& config, std::string_view where);

}  // namespace crescent
