#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

#include "engine/error.h"
#include "engine/formats/config_json.h"
#include "engine/formats/hf_folder.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/shard_index.h"
#include "engine/model/accounting.h"

namespace crescent::fuzz {

// What the fuzzers call and the unit tests replay: bytes in, and either a result that holds
// together or an Error. Anything else (another exception, a broken promise) ends the process.

struct BrokenPromise : std::logic_error {
  using std::logic_error::logic_error;
};

inline void promise(bool holds, const char* what) {
  if (!holds) throw BrokenPromise(what);
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The result, or nothing where the input was refused as it should be.
template <class F>
auto result_of(F&& read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// Every tensor lies in the file, of the size that its shape says, none over another.
inline void read_safetensors(std::span<const std::byte> bytes) {
  const auto header = result_of([&] { return SafetensorsFile::parse(bytes, "fuzz"); });
  if (!header) return;
  uint64_t end = 0;
  for (const TensorEntry& entry : header->entries) {
    promise(entry.begin >= end, "tensors don't overlap");
    promise(entry.begin <= bytes.size() && entry.bytes <= bytes.size() - entry.begin,
            "tensors lie in the file");
    uint64_t size = bytes_of(entry.dtype);
    for (const int64_t n : entry.shape) {
      promise(n >= 0, "dimensions are not negative");
      size *= static_cast<uint64_t>(n);
    }
    promise(size == entry.bytes, "sizes follow from shapes");
    end = entry.begin + entry.bytes;
  }
}

/// What was read can be laid out, counted without overflow, written, and read again alike.
inline void read_config(std::span<const std::byte> bytes) {
  const auto read =
      result_of([&] { return read_hf_config(parse_json(as_text(bytes), "fuzz"), "fuzz"); });
  if (!read) return;
  const auto& [family, config, end_of_text] = *read;
  const Layout layout = family->layout(config);
  promise(parameters(layout).total() > 0, "parameters are countable");
  promise(flops_per_token(config, config.positions_max).total() > 0, "FLOPs are countable");
  promise(elements_read_per_token(config, layout) > 0, "elements read are countable");
  const auto written = parse_json(write_config(*family, config).dump(), "written");
  promise(crescent::read_config(written, "written").config == config,
          "writing keeps the description");
}

/// Every shard is a name in the folder.
inline void read_index(std::span<const std::byte> bytes) {
  const auto shards =
      result_of([&] { return read_shard_index(parse_json(as_text(bytes), "fuzz"), "fuzz"); });
  if (!shards) return;
  for (const auto& [tensor, shard] : *shards) {
    promise(shard.find_first_of("/\\") == shard.npos && shard != "..", "shards are plain names");
  }
}

}  // namespace crescent::fuzz
