#include "engine/formats/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "engine/error.h"
#include "engine/formats/describe.h"
#include "engine/formats/hf_folder.h"

namespace crescent {
namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kHeaderBytesMax = 100'000'000;  // the reference implementation's limit
constexpr size_t kMemberValuesMax = 65'536;  // a tensor needs seven, metadata rarely a hundred
constexpr size_t kDimensionsMax = 64;        // LibTorch's limit
constexpr const char* kMetadataKey = "__metadata__";

constexpr std::array<std::pair<Dtype, std::string_view>, 10> kDtypes{{
    {Dtype::float64, "F64"},
    {Dtype::float32, "F32"},
    {Dtype::float16, "F16"},
    {Dtype::bfloat16, "BF16"},
    {Dtype::int64, "I64"},
    {Dtype::int32, "I32"},
    {Dtype::int16, "I16"},
    {Dtype::int8, "I8"},
    {Dtype::uint8, "U8"},
    {Dtype::boolean, "BOOL"},
}};

std::string known_dtypes() {
  std::vector<std::string_view> names;
  names.reserve(kDtypes.size());
  for (const auto& [dtype, name] : kDtypes) names.push_back(name);
  return fmt::format("one of {}", fmt::join(names, ", "));
}

std::string_view read_header_text(std::span<const std::byte> file, std::string_view where) {
  if (file.size() < kLengthBytes) {
    fail(
        "{}: expected a safetensors file, whose first 8 bytes give the length of its header; here "
        "are only {}",
        where, file.size());
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<uint64_t>(file[i]) << (8 * i);
  }
  const uint64_t room = file.size() - kLengthBytes;
  if (length > room) {
    fail(
        "{}: expected a safetensors file, whose first 8 bytes give the length of its header; here "
        "they give {}, and {} bytes follow",
        where, length, room);
  }
  if (length > kHeaderBytesMax) {
    fail("{}: header: expected at most {} bytes, found a length of {}", where, kHeaderBytesMax,
         length);
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (!text.starts_with('{')) {
    fail("{}: expected a safetensors file, whose header is a JSON object; here it is {}", where,
         text.empty() ? "nothing" : in_quotes(text.substr(0, 1)));
  }
  return text;
}

std::map<std::string, std::string> read_metadata(const Json& object, std::string_view where) {
  if (!object.is_object()) {
    fail("{}: header: expected {} to be an object of strings, found {}", where, kMetadataKey,
         describe(object));
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) {
      fail("{}: header: expected {} to hold strings alone, found {} at key {}", where, kMetadataKey,
           describe(value), in_quotes(key));
    }
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// Reads one tensor's entry; every check names the tensor.
class EntryReader {
 public:
  EntryReader(std::string_view where, const std::string& name, const Json& entry)
      : where_(where), name_(name), entry_(entry) {}

  /// @param data  the part of the file that offsets count into
  struct Data {
    uint64_t begin;
    uint64_t bytes;
  };
  TensorEntry read(const Data& data) const {
    check_name();
    if (!entry_.is_object()) refuse("an object", describe(entry_));
    TensorEntry tensor{.name = name_, .dtype = read_dtype(), .shape = read_shape()};
    const uint64_t needed = bytes_needed(tensor);
    const auto [begin, end] = read_offsets();
    if (end > data.bytes) {
      refuse(fmt::format("data_offsets within the file's {} bytes of data", data.bytes),
             fmt::format("[{}, {}]", begin, end));
    }
    if (end - begin != needed) {
      refuse(fmt::format("{} bytes for {} {}", needed, safetensors_name_of(tensor.dtype),
                         shape_text(tensor.shape)),
             fmt::format("{} (data_offsets [{}, {}])", end - begin, begin, end));
    }
    tensor.begin = data.begin + begin;
    tensor.bytes = needed;
    return tensor;
  }

 private:
  [[noreturn]] void refuse(std::string_view expected, std::string_view found) const {
    fail("{}: tensor {}: expected {}, found {}", where_, in_quotes(name_), expected, found);
  }

  void check_name() const {
    if (name_.empty()) refuse("a name", "an empty one");
    if (!is_free_of_controls(name_)) refuse("a name without control characters", "some");
  }

  const Json& field(const char* key) const {
    const auto member = entry_.find(key);
    if (member == entry_.end()) {
      refuse("dtype, shape and data_offsets", fmt::format("no {}", key));
    }
    return *member;
  }

  Dtype read_dtype() const {
    const Json& value = field("dtype");
    if (value.is_string()) {
      for (const auto& [dtype, name] : kDtypes) {
        if (value.get_ref<const std::string&>() == name) return dtype;
      }
    }
    refuse("dtype to be " + known_dtypes(), describe(value));
  }

  std::vector<int64_t> read_shape() const {
    const Json& value = field("shape");
    if (!value.is_array()) refuse("shape to be a list", describe(value));
    if (value.size() > kDimensionsMax) {
      refuse(fmt::format("at most {} dimensions", kDimensionsMax), std::to_string(value.size()));
    }
    std::vector<int64_t> shape;
    for (const Json& size : value) {
      const auto number = whole_number(size);
      if (!number || *number > uint64_t{std::numeric_limits<int64_t>::max()}) {
        refuse("shape to hold whole numbers below 2^63", describe(size));
      }
      shape.push_back(static_cast<int64_t>(*number));
    }
    return shape;
  }

  /// Zeros don't hide the other dimensions: strides are made of those, and must not overflow.
  uint64_t bytes_needed(const TensorEntry& tensor) const {
    int64_t bytes = static_cast<int64_t>(bytes_of(tensor.dtype));
    bool is_empty = false;
    for (const int64_t size : tensor.shape) {
      is_empty |= size == 0;
      if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes)) {
        refuse("a shape of less than 2^63 bytes", shape_text(tensor.shape));
      }
    }
    return is_empty ? 0 : static_cast<uint64_t>(bytes);
  }

  std::pair<uint64_t, uint64_t> read_offsets() const {
    const Json& value = field("data_offsets");
    const bool is_pair = value.is_array() && value.size() == 2;
    const auto begin_read = is_pair ? whole_number(value[0]) : std::nullopt;
    const auto end_read = is_pair ? whole_number(value[1]) : std::nullopt;
    if (!begin_read || !end_read) {
      refuse("data_offsets to be two whole numbers",
             is_pair ? fmt::format("[{}, {}]", describe(value[0]), describe(value[1]))
                     : describe(value));
    }
    const uint64_t begin = *begin_read, end = *end_read;
    if (begin > end) {
      refuse("data_offsets that don't run backwards", fmt::format("[{}, {}]", begin, end));
    }
    return {begin, end};
  }

  std::string_view where_;
  const std::string& name_;
  const Json& entry_;
};

/// The tensors, sorted by their place, must fill the data without gap and without overlap.
void check_coverage(const std::vector<TensorEntry>& entries, const EntryReader::Data& data,
                    std::string_view where) {
  uint64_t filled = 0;  // counted like data_offsets
  const TensorEntry* previous = nullptr;
  for (const TensorEntry& entry : entries) {
    const uint64_t begin = entry.begin - data.begin;
    if (begin != filled) {
      const std::string after = previous ? fmt::format("where {} ends", in_quotes(previous->name))
                                         : "where the data begin";
      fail("{}: tensor {}: expected data_offsets from {} on, {}, found {}: {}", where,
           in_quotes(entry.name), filled, after, begin,
           begin < filled ? std::string("the two overlap")
                          : fmt::format("{} bytes belong to no tensor", begin - filled));
    }
    filled += entry.bytes;
    previous = &entry;
  }
  if (filled != data.bytes) {
    fail(
        "{}: expected the tensors to fill the file's {} bytes of data, found {} bytes that belong "
        "to no tensor at its end",
        where, data.bytes, data.bytes - filled);
  }
}

}  // namespace

std::string_view safetensors_name_of(Dtype dtype) {
  for (const auto& [value, name] : kDtypes) {
    if (value == dtype) return name;
  }
  return "";
}

SafetensorsFile::Header SafetensorsFile::parse(std::span<const std::byte> file,
                                               const std::filesystem::path& name_in_errors) {
  const std::string where = name_in_errors.string();
  const std::string_view text = read_header_text(file, where);
  const EntryReader::Data data{.begin = kLengthBytes + text.size(),
                               .bytes = file.size() - kLengthBytes - text.size()};
  Header header;
  const auto read = [&](const std::string& name, const Json& value) {
    if (name == kMetadataKey) header.metadata = read_metadata(value, where);
    else header.entries.push_back(EntryReader(where, name, value).read(data));
  };
  parse_json_members(text, where + ": header", kHeaderBytesMax,
                     {.values_max = kMemberValuesMax, .read = read});
  std::sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.bytes, a.name) < std::tie(b.begin, b.bytes, b.name);
  });
  check_coverage(header.entries, data, where);
  return header;
}

std::shared_ptr<const SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  Header header = parse(file->bytes(), path);
  return std::shared_ptr<const SafetensorsFile>(
      new SafetensorsFile(std::move(file), std::move(header)));
}

std::span<const std::byte> SafetensorsFile::data(const TensorEntry& entry) const {
  return file_->bytes().subspan(entry.begin, entry.bytes);
}

}  // namespace crescent
