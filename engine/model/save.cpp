#include "engine/model/save.h"

#include <c10/core/GradMode.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/error.h"
#include "engine/formats/config_json.h"
#include "engine/formats/hf_folder.h"
#include "engine/interrupt.h"
#include "engine/memory.h"
#include "engine/prune/apply.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;

/// What goes along unread: how text becomes ids and how generation ends.
constexpr std::array kCopied{
    "tokenizer.json",  "tokenizer_config.json",   "vocab.json",
    "merges.txt",      "special_tokens_map.json", "added_tokens.json",
    "tokenizer.model", "chat_template.jinja",     "generation_config.json"};

/// Made beside the target so that the last step is a rename within one file system; whatever stops
/// us before, the folder goes away again.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const fs::path& target)
      : path_(target.parent_path() /
              fmt::format(".{}.{}.tmp", target.filename().string(), getpid())) {
    fs::remove_all(path_);
    try {
      make_parents(target.parent_path());
      fs::create_directory(path_);
    } catch (const fs::filesystem_error&) {
      remove();
      throw;
    }
  }
  ~TemporaryFolder() {
    if (!kept_) remove();
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }
  void become(const fs::path& target) {
    fs::rename(path_, target);  // replaces an empty folder, never a full one
    kept_ = true;
    sync_folder_of(target);
  }

 private:
  void make_parents(const fs::path& folder) {
    if (folder.empty() || fs::exists(folder)) return;
    make_parents(folder.parent_path());
    if (fs::create_directory(folder)) made_.push_back(folder);
  }
  /// Takes what it made away again, but for folders that somebody has put something into.
  void remove() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    for (; !made_.empty(); made_.pop_back()) fs::remove(made_.back(), ignored);
  }

  fs::path path_;
  std::vector<fs::path> made_;  // parents that were not there, the outermost first
  bool kept_ = false;
};

/// The target as an absolute path without a trailing slash, after checking that it is free.
fs::path free_target(const fs::path& folder) {
  fs::path target = fs::absolute(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  if (fs::exists(target)) {
    if (!fs::is_directory(target)) fail("save: '{}' exists and is not a folder", folder.string());
    if (!fs::is_empty(target)) {
      fail("save: '{}' exists and is not empty; name a new folder", folder.string());
    }
  }
  return target;
}

nlohmann::json config_of(const Model& model, Dtype dtype) {
  nlohmann::json json = write_config(model.family(), model.config());
  json["torch_dtype"] = name_of(dtype);
  const auto& ends = model.source().end_of_text;
  if (ends.size() == 1) json["eos_token_id"] = ends.front();
  if (ends.size() > 1) json["eos_token_id"] = ends;
  return json;
}

void write_weights(const Model& model, const fs::path& path, std::optional<Dtype> dtype) {
  int64_t bytes_converted = 0, bytes = 0;
  for (const TensorSpec& spec : model.layout()) {
    const at::Tensor& tensor = model.stored().at(spec);
    const Dtype target = dtype.value_or(dtype_of(tensor));
    const int64_t size = tensor.numel() * static_cast<int64_t>(bytes_of(target));
    bytes += size;
    if (target != dtype_of(tensor)) bytes_converted += size;
  }
  if (bytes_converted > 0) require_memory(bytes_converted, "save: converting the weights");
  const auto room = fs::space(path.parent_path()).available;
  if (static_cast<uintmax_t>(bytes) > room) {
    fail("save: '{}' needs {}, {} free on that disk", path.string(), readable_bytes(bytes),
         readable_bytes(static_cast<int64_t>(room)));
  }

  std::vector<at::Tensor> alive;
  std::vector<TensorToWrite> tensors;
  for (const TensorSpec& spec : model.layout()) {
    check_interrupt();
    const at::Tensor& stored = model.stored().at(spec);
    const Dtype target = dtype.value_or(dtype_of(stored));
    const at::Tensor tensor = converted(stored, target, spec.name).contiguous();
    alive.push_back(tensor);
    tensors.push_back({stored_name(spec, model.family().prefixes().front()),
                       target,
                       spec.shape,
                       {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}});
  }
  write_safetensors(path, tensors, {{"format", "pt"}});  // transformers asks for this key
}

}  // namespace

void save_model(const Model& given, const fs::path& folder, const SaveOptions& options) {
  const c10::NoGradGuard no_grad;
  const std::shared_ptr<const Model> whole = options.masked ? padded(given) : nullptr;
  const Model& model = whole ? *whole : given;
  const Dtype dtype = options.dtype.value_or(model.dtype());
  if (dtype != Dtype::float32 && dtype != Dtype::float16 && dtype != Dtype::bfloat16) {
    fail("save: dtype: expected 'float32', 'float16' or 'bfloat16', got '{}'", name_of(dtype));
  }
  if (folder.empty()) fail("save: expected the path of a folder, got an empty one");
  const nlohmann::json config = config_of(model, dtype);
  try {
    const fs::path target = free_target(folder);
    TemporaryFolder temporary(target);
    write_file(temporary.path() / "config.json", config.dump(2) + "\n");
    write_weights(model, temporary.path() / "model.safetensors", options.dtype);
    if (model.source().folder) {
      for (const char* name : kCopied) {
        const fs::path from = *model.source().folder / name;
        if (!fs::exists(from)) continue;
        const auto file = MappedFile::open(from);
        const auto bytes = file->bytes();
        write_file(temporary.path() / name,
                   {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      }
    }
    temporary.become(target);
  } catch (const fs::filesystem_error& e) {
    fail("save: cannot write '{}': {}", folder.string(), e.code().message());
  }
}

}  // namespace crescent
