// Writing, whole or not at all: to a temporary file beside the target, fsync, rename, fsync of the
// folder. Whoever reads the target meanwhile keeps the old file, mapped ones too.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/formats/safetensors.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDataAlignment = 64;
constexpr size_t kLengthBytes = 8;
constexpr size_t kWriteBytesMax = size_t{64} << 20;  // a call; between two, Ctrl-C is heard

/// Where a path leads: through symbolic links, also one that leads to nothing yet.
fs::path followed(const fs::path& path) {
  constexpr int kLinksMax = 40;  // the kernel's limit
  fs::path target = path;
  std::error_code error;
  for (int i = 0; fs::is_symlink(fs::symlink_status(target, error)); ++i) {
    if (i == kLinksMax)
      fail("{}: expected a file, found links that lead in a circle", path.string());
    const fs::path link = fs::read_symlink(target, error);
    if (error) fail("{}: the link can't be read: {}", path.string(), error.message());
    target = target.parent_path() / link;  // an absolute link stands for itself
  }
  return target;
}

/// The permissions of the file that is to be replaced; nothing if there is none.
std::optional<mode_t> mode_of_regular(const fs::path& target) {
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) return std::nullopt;
  if (S_ISREG(status.st_mode)) return status.st_mode & 07777;
  fail("{}: expected a regular file or none, found {}; nothing was changed", target.string(),
       S_ISDIR(status.st_mode) ? "a folder" : "a device, pipe or socket");
}

/// A file that appears under its name only when it is complete; otherwise it vanishes.
class FileInTheMaking {
 public:
  explicit FileInTheMaking(const fs::path& path) : target_(followed(path)) {
    const std::optional<mode_t> mode = mode_of_regular(target_);
    static std::atomic<unsigned> made{0};
    do {
      temporary_ = target_;
      temporary_ += fmt::format(".{}-{}.tmp", ::getpid(), made++);
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) {
      temporary_.clear();  // not ours
      refuse();
    }
    if (mode && ::fchmod(descriptor_, *mode) != 0) {
      const int reason = errno;
      discard();
      errno = reason;
      refuse();
    }
  }
  ~FileInTheMaking() { discard(); }
  FileInTheMaking(const FileInTheMaking&) = delete;
  FileInTheMaking& operator=(const FileInTheMaking&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      check_interrupt();
      const ssize_t written =
          ::write(descriptor_, bytes.data(), std::min(bytes.size(), kWriteBytesMax));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) refuse();
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }

  void finish() {
    if (::fsync(descriptor_) != 0) refuse();
    // Some file systems (NFS, quotas) tell of a full disk only here.
    if (::close(std::exchange(descriptor_, -1)) != 0) refuse();
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse();
    temporary_.clear();
    sync_folder_of(target_);
  }

 private:
  void discard() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  [[noreturn]] void refuse() const {
    fail("{}: writing failed: {}; nothing was changed", target_.string(), std::strerror(errno));
  }

  fs::path target_, temporary_;
  int descriptor_ = -1;
};

std::span<const std::byte> bytes_of_text(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Wide elements first: data without gaps then keep every tensor aligned to its element.
std::vector<const TensorToWrite*> in_file_order(std::span<const TensorToWrite> tensors) {
  std::vector<const TensorToWrite*> order;
  for (const TensorToWrite& tensor : tensors) order.push_back(&tensor);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return bytes_of(a->dtype) > bytes_of(b->dtype);
  });
  return order;
}

void check_name(std::string_view name, std::string_view where) {
  if (name.empty() || name == "__metadata__" || !is_free_of_controls(name)) {
    fail(
        "{}: tensor {}: expected a name that is not empty, not '__metadata__' and holds no control "
        "characters",
        where, in_quotes(name));
  }
}

void check_size(const TensorToWrite& tensor, std::string_view where) {
  auto bytes = static_cast<int64_t>(bytes_of(tensor.dtype));
  for (const int64_t size : tensor.shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, size, &bytes)) {
      fail("{}: tensor {}: expected a shape of less than 2^63 bytes, found {}", where,
           in_quotes(tensor.name), shape_text(tensor.shape));
    }
  }
  if (static_cast<uint64_t>(bytes) != tensor.data.size()) {
    fail("{}: tensor {}: expected {} bytes for {} {}, found {}", where, in_quotes(tensor.name),
         bytes, safetensors_name_of(tensor.dtype), shape_text(tensor.shape), tensor.data.size());
  }
}

std::string to_text(const nlohmann::ordered_json& json, std::string_view where) {
  try {
    return json.dump();
  } catch (const nlohmann::json::exception&) {  // its one reason here
    fail("{}: expected tensor names and metadata in UTF-8, found other bytes", where);
  }
}

/// The length and the JSON, padded with spaces so that the data begin on a multiple of 64.
std::string make_header(const std::vector<const TensorToWrite*>& tensors,
                        const std::map<std::string, std::string>& metadata,
                        std::string_view where) {
  auto json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  std::set<std::string_view> names;
  uint64_t begin = 0;
  for (const TensorToWrite* tensor : tensors) {
    check_name(tensor->name, where);
    if (!names.insert(tensor->name).second) {
      fail("{}: tensor {}: expected a name of its own, found it twice", where,
           in_quotes(tensor->name));
    }
    check_size(*tensor, where);
    const uint64_t end = begin + tensor->data.size();
    json[tensor->name] = {{"dtype", safetensors_name_of(tensor->dtype)},
                          {"shape", tensor->shape},
                          {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = to_text(json, where);
  const size_t unpadded = kLengthBytes + text.size();
  text.append((kDataAlignment - unpadded % kDataAlignment) % kDataAlignment, ' ');
  std::string header;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    header += static_cast<char>(static_cast<uint64_t>(text.size()) >> (8 * i));
  }
  return header + text;
}

}  // namespace

void write_safetensors(const fs::path& path, std::span<const TensorToWrite> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const auto order = in_file_order(tensors);
  const std::string header = make_header(order, metadata, path.string());
  FileInTheMaking file(path);
  file.write(bytes_of_text(header));
  for (const TensorToWrite* tensor : order) file.write(tensor->data);
  file.finish();
}

void sync_folder_of(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

void write_file(const fs::path& path, std::string_view contents) {
  FileInTheMaking file(path);
  file.write(bytes_of_text(contents));
  file.finish();
}

}  // namespace crescent
