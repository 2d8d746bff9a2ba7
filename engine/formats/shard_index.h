#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace crescent {

/// For every tensor, the name of the shard that holds it: model.safetensors.index.json, whose
/// weight_map says { "tensor": "model-00001-of-00002.safetensors" }. Shard names are checked to
/// be plain names, so that an index can't point out of its folder.
/// @throws Error naming `where` and the tensor.
using ShardOfTensor = std::map<std::string, std::string, std::less<>>;
ShardOfTensor read_shard_index(const nlohmann::json& index, std::string_view where);

}  // namespace crescent
