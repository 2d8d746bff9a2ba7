#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dtype.h"
#include "engine/formats/mapped_file.h"

namespace crescent {

// A safetensors file:
//
//   0        uint64, little endian: N, the length of the header in bytes
//   8        N bytes of JSON: { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [a, b]
//   },
//            ..., "__metadata__": { "key": "value" } }; may be padded with spaces at its end
//   8 + N    the data; offsets count from here, b - a = product of shape x bytes of dtype; the
//            tensors fill it without gap and without overlap
//
// https://github.com/huggingface/safetensors, "Format". Everything is checked before it is used.

/// How the format spells an element type: 'F32', 'BF16', 'BOOL'.
std::string_view safetensors_name_of(Dtype dtype);

struct TensorEntry {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;  ///< empty: a scalar
  uint64_t begin = 0;          ///< absolute in the file
  uint64_t bytes = 0;
};

class SafetensorsFile {
 public:
  /// Maps the file and checks its header. Reads no tensor data.
  /// @throws Error naming file, tensor, expected and found.
  static std::shared_ptr<const SafetensorsFile> open(const std::filesystem::path& path);

  /// The check alone, on bytes from anywhere: what the fuzzer calls.
  struct Header {
    std::vector<TensorEntry> entries;  ///< in file order
    std::map<std::string, std::string> metadata;
  };
  static Header parse(std::span<const std::byte> file, const std::filesystem::path& name_in_errors);

  const std::vector<TensorEntry>& entries() const { return header_.entries; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  const std::filesystem::path& path() const { return file_->path(); }
  std::span<const std::byte> data(const TensorEntry& entry) const;
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  SafetensorsFile(std::shared_ptr<const MappedFile> file, Header header)
      : file_(std::move(file)), header_(std::move(header)) {}
  std::shared_ptr<const MappedFile> file_;
  Header header_;
};

/// The weights of a model folder: model.safetensors, or the shards that
/// model.safetensors.index.json names. Never every *.safetensors in the folder.
class Checkpoint {
 public:
  struct Stored {
    const TensorEntry* entry;
    std::shared_ptr<const SafetensorsFile> file;
  };
  /// @throws Error: no weights (a folder with only .bin files is told to convert), a missing
  /// shard, a tensor that is in no shard, in two, or not in the one that the index names.
  static Checkpoint open(const std::filesystem::path& folder);

  const Stored* find(std::string_view name) const;  ///< nullptr if there is none
  const std::map<std::string, Stored, std::less<>>& tensors() const { return tensors_; }
  uint64_t bytes() const;  ///< of tensor data
  const std::vector<std::shared_ptr<const SafetensorsFile>>& files() const { return files_; }

 private:
  std::vector<std::shared_ptr<const SafetensorsFile>> files_;
  std::map<std::string, Stored, std::less<>> tensors_;
};

/// Writes a safetensors file: to a temporary file beside it, fsync, rename. Data start on a
/// multiple of 64 bytes from the start of the file. A link stays one and what it leads to is
/// written; a file that is replaced keeps its permissions.
struct TensorToWrite {
  std::string name;
  Dtype dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};
void write_safetensors(const std::filesystem::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Makes a rename to this path last through a power cut. The file is whole either way, so a folder
/// that can't be synchronised (some network file systems) is no error.
void sync_folder_of(const std::filesystem::path& path);

/// Writes a small file whole or not at all (temporary, fsync, rename), in the same way.
void write_file(const std::filesystem::path& path, std::string_view contents);

}  // namespace crescent
