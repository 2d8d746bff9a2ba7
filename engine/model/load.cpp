#include "engine/model/load.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <cstring>

#include "engine/error.h"
#include "engine/exec/threads.h"
#include "engine/formats/hf_folder.h"
#include "engine/huge_pages.h"
#include "engine/interrupt.h"
#include "engine/memory.h"
#include "engine/model/accounting.h"
#include "engine/random.h"

namespace crescent {
namespace {

bool is_misaligned(const Checkpoint::Stored& stored) {
  const auto address = reinterpret_cast<uintptr_t>(stored.file->data(*stored.entry).data());
  return address % bytes_of(stored.entry->dtype) != 0;
}

/// What a load takes beside the mapped file: tensors that are misaligned there, and those of
/// another dtype than asked for.
int64_t bytes_copied(const HfFolder& folder, std::optional<Dtype> dtype) {
  uint64_t bytes = 0;
  for (const Checkpoint::Stored& stored : folder.stored) {
    const TensorEntry& entry = *stored.entry;
    if (is_misaligned(stored)) bytes += entry.bytes;
    if (dtype && *dtype != entry.dtype) {
      bytes += entry.bytes / bytes_of(entry.dtype) * bytes_of(*dtype);
    }
  }
  return static_cast<int64_t>(bytes);
}

/// A view on the mapped file, which the tensor keeps alive. The pages are read-only: a write would
/// be a fault, and nothing writes. Where the file has a tensor off its element's boundary it is
/// copied, because reading it there is undefined in C++ and slow.
at::Tensor view_of(const Checkpoint::Stored& stored, int64_t& bytes_misaligned) {
  const TensorEntry& entry = *stored.entry;
  const std::span<const std::byte> data = stored.file->data(entry);
  const auto options = at::TensorOptions(scalar_type(entry.dtype));
  if (is_misaligned(stored)) {
    at::Tensor copy = at::empty(entry.shape, options);
    if (!data.empty()) std::memcpy(copy.data_ptr(), data.data(), data.size());
    bytes_misaligned += static_cast<int64_t>(data.size());
    return copy;
  }
  if (data.empty()) return at::empty(entry.shape, options);
  void* address = const_cast<std::byte*>(data.data());
  return at::from_blob(
      address, entry.shape, [file = stored.file](void*) {}, options);
}

int64_t bytes_at(const Layout& layout, Dtype dtype) {
  return parameters(layout).total() * static_cast<int64_t>(bytes_of(dtype));
}

void require_floating(Dtype dtype) {
  if (dtype == Dtype::float32 || dtype == Dtype::float16 || dtype == Dtype::bfloat16) return;
  fail("dtype: expected 'float32', 'float16' or 'bfloat16', got '{}'", name_of(dtype));
}

void refuse_unhealthy(const Model& model, const HfFolder& folder) {
  for (const TensorHealth& t : health(model)) {
    if (t.nan == 0 && t.infinite == 0) continue;
    fail("{}: tensor '{}': expected finite numbers, found {} NaN and {} infinite among {}",
         folder.path.string(), t.name, t.nan, t.infinite, t.elements);
  }
}

/// Some files store the head beside an embedding that it is tied to. We read the embedding alone,
/// so the two must be the same.
void refuse_untied_head(const Model& model, const HfFolder& folder) {
  if (!model.config().tied_head) return;
  const std::string name = "lm_head.weight";
  const Checkpoint::Stored* head = folder.checkpoint.find(name);
  if (head == nullptr) return;
  int64_t misaligned = 0;
  const at::Tensor& embedding = model.stored().at(Slot::token_embedding);
  const at::Tensor stored = view_of(*head, misaligned);
  if (!at::equal(stored.to(at::kFloat), embedding.to(at::kFloat))) {
    fail("{}: tensor '{}' differs from the token embedding, but config.json ties them",
         folder.path.string(), name);
  }
}

/// A folder without a tokenizer is whole, and so is one with a tokenizer of a kind that we don't
/// read: using it is what fails.
void refuse_broken_tokenizer(const Model& model, const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "tokenizer.json") &&
      !std::filesystem::exists(folder / "vocab.json")) {
    return;
  }
  try {
    model.tokenizer();
  } catch (const OtherTokenizerKind&) {
  }
}

}  // namespace

std::shared_ptr<const Model> load_model(const std::filesystem::path& path,
                                        const LoadOptions& options) {
  apply_threads();
  const c10::NoGradGuard no_grad;
  if (options.dtype) require_floating(*options.dtype);
  HfFolder folder = open_hf_folder(path);
  const int64_t copied = bytes_copied(folder, options.dtype);
  if (copied > 0) require_memory(copied, fmt::format("loading {}", path.string()));
  Model::Source source{folder.path, folder.prefix, folder.end_of_text, 0, {}};
  for (const auto& file : folder.checkpoint.files()) source.files.push_back(file->file());
  Weights weights(folder.config.layers.size());
  for (size_t i = 0; i < folder.layout.size(); ++i) {
    at::Tensor tensor = view_of(folder.stored[i], source.bytes_misaligned);
    if (options.dtype) {
      check_interrupt();
      tensor = converted(tensor, *options.dtype, folder.layout[i].name);
    }
    weights.set(folder.layout[i], std::move(tensor));
  }
  auto model = Model::make(*folder.family, folder.config, folder.layout, std::move(weights),
                           std::move(source));
  if (options.verify) {
    refuse_unhealthy(*model, folder);
    refuse_untied_head(*model, folder);
    refuse_broken_tokenizer(*model, path);
  }
  return model;
}

std::shared_ptr<const Model> make_random(const Family& family, const DecoderConfig& config,
                                         uint64_t seed, Dtype dtype) {
  apply_threads();
  const c10::NoGradGuard no_grad;
  require_floating(dtype);
  const Layout layout = family.layout(config);
  require_memory(bytes_at(layout, dtype),
                 fmt::format("a {} model with random weights", config.family));

  // GPT-2's scheme: every residual projection is scaled by 1/sqrt(number of residual additions), so
  // that the residual stream's spread doesn't grow with depth. Radford et al. 2019, section 2.3.
  constexpr float kDeviation = 0.02f;
  const float residual_deviation =
      kDeviation / std::sqrt(2.0f * static_cast<float>(std::max<size_t>(1, config.layers.size())));
  Weights weights(config.layers.size());
  for (size_t i = 0; i < layout.size(); ++i) {
    check_interrupt();
    const TensorSpec& spec = layout[i];
    at::Tensor tensor;
    if (spec.part == Part::norm || spec.shape.size() < 2) {
      const bool ones = spec.slot == Slot::final_norm_weight ||
                        spec.slot == Slot::attention_norm_weight ||
                        spec.slot == Slot::ffn_norm_weight;
      tensor = at::full(spec.shape, ones ? 1.0 : 0.0, at::kFloat);
    } else {
      const bool residual =
          spec.slot == Slot::attention_output_weight || spec.slot == Slot::ffn_down_weight;
      tensor = at::empty(spec.shape, at::kFloat);
      prefer_huge_pages(tensor.data_ptr(), tensor.nbytes());
      const std::span<float> values(tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel()));
      Random::fill_normal(values, seed, /*stream=*/i, 0.0f,
                          residual ? residual_deviation : kDeviation);
    }
    weights.set(spec, tensor.to(scalar_type(dtype)));
  }
  return Model::make(family, config, layout, std::move(weights), Model::Source{});
}

std::shared_ptr<const Model> make_preset(const Preset& preset, uint64_t seed, Dtype dtype) {
  const DecoderConfig config = preset.config();
  return make_random(family_of(config.family, preset.name), config, seed, dtype);
}

}  // namespace crescent
