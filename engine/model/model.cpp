#include "engine/model/model.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <span>
#include <unordered_map>

#include "engine/error.h"
#include "engine/exec/compiled/weights.h"
#include "engine/exec/threads.h"
#include "engine/huge_pages.h"
#include "engine/interrupt.h"
#include "engine/memory.h"
#include "engine/model/hash.h"
#include "engine/nearest.h"

namespace crescent {

/// A plan together with what its weights lie in.
struct CompiledPlan {
  compiled::Plan plan;
  std::shared_ptr<const compiled::CompiledWeights> weights;
};

struct ModelParts {
  const Family* family;
  DecoderConfig config;
  Layout layout;
  Weights stored;
  Model::Source source;
  std::unordered_map<std::string_view, size_t> index_of;  // layout names, without prefix

  std::mutex widening;  // guards the next two; not call_once, which an interrupt leaves by throwing
  bool is_widened = false;
  Weights wide;  // undefined where not widened yet
  std::atomic<int64_t> bytes_widened{0};

  std::mutex compiling;  // guards `plans` and every view's; taken before the other two
  std::vector<std::pair<LevelOptions, std::weak_ptr<const CompiledPlan>>> plans;

  std::mutex counting;  // guards what follows; held for moments only
  std::vector<std::weak_ptr<const compiled::CompiledWeights>> compiled;

  std::mutex lazy;  // guards what follows
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string hash;

  ModelParts(const Family& f, DecoderConfig c, Layout l, Weights w, Model::Source s)
      : family(&f),
        config(std::move(c)),
        layout(std::move(l)),
        stored(std::move(w)),
        source(std::move(s)),
        wide(config.layers.size()) {}
};

namespace {

std::string shape_text(at::IntArrayRef shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void check_against_layout(const Layout& layout, const Weights& weights) {
  for (const TensorSpec& spec : layout) {
    const at::Tensor& tensor = weights.at(spec);
    if (!tensor.defined()) fail("tensor '{}' is missing", spec.name);
    if (tensor.sizes() != at::IntArrayRef(spec.shape)) {
      fail("tensor '{}': expected shape {}, got {}", spec.name, shape_text(spec.shape),
           shape_text(tensor.sizes()));
    }
  }
}

/// What widening still takes, of the tensors that `counts`.
template <class Counts>
int64_t bytes_to_widen(const ModelParts& parts, Counts counts) {
  int64_t bytes = 0;
  for (const TensorSpec& spec : parts.layout) {
    const at::Tensor& tensor = parts.stored.at(spec);
    if (tensor.scalar_type() == at::kFloat || parts.wide.at(spec).defined() || !counts(spec))
      continue;
    bytes += tensor.numel() * int64_t{sizeof(float)};
  }
  return bytes;
}

/// One tensor in fp32: the stored one if it already is, else a copy (made by all threads).
const at::Tensor& widened(ModelParts& parts, const TensorSpec& spec) {
  if (!parts.wide.at(spec).defined()) {
    const at::Tensor& stored = parts.stored.at(spec);
    if (stored.scalar_type() == at::kFloat) {
      parts.wide.set(spec, stored);
    } else {
      const at::Tensor wide = at::empty(stored.sizes(), at::kFloat);
      prefer_huge_pages(wide.data_ptr(), wide.nbytes());
      parts.wide.set(spec, wide.copy_(stored));
      parts.bytes_widened += static_cast<int64_t>(wide.nbytes());
    }
  }
  return parts.wide.at(spec);
}

void widen(ModelParts& parts) {
  const int64_t bytes = bytes_to_widen(parts, [](const TensorSpec&) { return true; });
  if (bytes > 0) require_memory(bytes, "widening the weights to float32");
  const c10::NoGradGuard no_grad;
  for (const TensorSpec& spec : parts.layout) {
    check_interrupt();
    widened(parts, spec);
  }
  parts.is_widened = true;
}

/// The memory of a tensor that is mapped from a file. @return the bytes of it.
int64_t give_back(const ModelParts& parts, const at::Tensor& tensor) {
  const std::span part(static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes());
  for (const auto& weak : parts.source.files) {
    const auto file = weak.lock();
    if (!file) continue;
    if (const auto bytes = file->give_back(part)) return static_cast<int64_t>(*bytes);
  }
  return 0;
}

/// What is copied for the plan needs no fp32 copy of its own beside that.
std::shared_ptr<const compiled::CompiledWeights> compiled_from(ModelParts& parts,
                                                               const LevelOptions& options) {
  const std::lock_guard lock(parts.widening);
  const Storage storage = options.storage.without_cache();
  const compiled::CompileInput input{
      .config = parts.config,
      .layout = parts.layout,
      .stored = parts.stored,
      .storage = storage,
      .widened = [&](const TensorSpec& spec) { return widened(parts, spec); },
      .give_back = [&](const at::Tensor& tensor) { return give_back(parts, tensor); }};
  const int64_t bytes =
      compiled::memory_to_compile(input).total() +
      bytes_to_widen(parts, [&](const TensorSpec& spec) { return reads_wide(input, spec); });
  if (bytes > 0)
    require_memory(bytes, fmt::format("compiling the model for {}", words_of(options)));
  const c10::NoGradGuard no_grad;
  return compiled::compile_weights(input);
}

using CompiledWeights = compiled::CompiledWeights;

/// Those that some plan reads now.
std::vector<std::shared_ptr<const CompiledWeights>> living_weights(ModelParts& parts) {
  const std::lock_guard lock(parts.counting);
  std::vector<std::shared_ptr<const CompiledWeights>> living;
  for (const auto& known : parts.compiled) {
    if (auto weights = known.lock()) living.push_back(std::move(weights));
  }
  return living;
}

PlanBytes bytes_of(std::span<const std::shared_ptr<const CompiledWeights>> all) {
  PlanBytes sum;
  std::map<const void*, int64_t> given_back;  // once, however many copies there are
  for (const auto& weights : all) {
    sum.transposed += weights->bytes_transposed;
    sum.packed += weights->bytes_packed;
    given_back.insert(weights->given_back.begin(), weights->given_back.end());
  }
  for (const auto& [tensor, bytes] : given_back) sum.given_back += bytes;
  return sum;
}

std::shared_ptr<const CompiledWeights> weights_for(ModelParts& parts, const LevelOptions& options) {
  for (const auto& weights : living_weights(parts)) {
    if (weights->storage == options.storage.without_cache()) return weights;
  }
  const auto weights = compiled_from(parts, options);
  const std::lock_guard lock(parts.counting);
  std::erase_if(parts.compiled, [](const auto& known) { return known.expired(); });
  parts.compiled.push_back(weights);
  return weights;
}

std::shared_ptr<const CompiledPlan> plan_for(ModelParts& parts, const LevelOptions& options) {
  std::erase_if(parts.plans, [](const auto& known) { return known.second.expired(); });
  for (const auto& [of, known] : parts.plans) {
    if (of != options) continue;
    if (auto plan = known.lock()) return plan;
  }
  const auto weights = weights_for(parts, options);
  const auto plan = std::make_shared<const CompiledPlan>(
      CompiledPlan{{parts.config, weights->weights, options.passes, options.storage.kv}, weights});
  parts.plans.emplace_back(options, plan);
  return plan;
}

/// That there is something to choose, and that it was seen on such matrices.
void check_calibration(const ModelParts& parts, const Storage& storage) {
  if (!has_scales(storage.weights) && !has_scales(storage.head)) {
    fail("a calibration chooses scales, and {} has none: expected int8 or int4",
         words_of(Storage{storage.weights, storage.head}));
  }
  const bool tied = parts.config.tied_head;
  for (const TensorSpec& spec : parts.layout) {
    if (has_scales(width_of(spec, tied, storage))) storage.calibration->inputs_of(spec);
  }
}

}  // namespace

std::shared_ptr<const Model> Model::make(const Family& family, DecoderConfig config, Layout layout,
                                         Weights stored, Source source) {
  apply_threads();
  check_against_layout(layout, stored);
  auto parts = std::make_shared<ModelParts>(family, std::move(config), std::move(layout),
                                            std::move(stored), std::move(source));
  for (size_t i = 0; i < parts->layout.size(); ++i)
    parts->index_of.emplace(parts->layout[i].name, i);
  return std::shared_ptr<const Model>(new Model(std::move(parts), LevelOptions{}));
}

const DecoderConfig& Model::config() const { return parts_->config; }
const Family& Model::family() const { return *parts_->family; }
const Layout& Model::layout() const { return parts_->layout; }
const Model::Source& Model::source() const { return parts_->source; }
const Weights& Model::stored() const { return parts_->stored; }

const Weights& Model::wide() const {
  const std::lock_guard lock(parts_->widening);
  if (!parts_->is_widened) widen(*parts_);
  return parts_->wide;
}

std::shared_ptr<const compiled::Plan> Model::plan() const {
  if (level() < 2) fail("level {} has no plan: expected level 2 or 3", level());
  const std::lock_guard lock(parts_->compiling);
  if (!plan_) plan_ = plan_for(*parts_, options_);
  return {plan_, &plan_->plan};
}

std::optional<CalibrationGain> Model::calibration_gain() const {
  if (!options_.storage.calibration) return std::nullopt;
  plan();
  const std::lock_guard lock(parts_->compiling);
  return plan_->weights->calibrated;
}

std::shared_ptr<const Model> Model::optimized(const LevelOptions& options) const {
  if (options.level < 0 || options.level > 3) {
    fail(
        "level {} is not available: expected 0 (reference), 1 (fused), 2 (compiled) or 3 (compiled "
        "with lossy storage)",
        options.level);
  }
  const bool is_lossy = options.level == 3;
  const Storage& storage = options.storage;
  if ((storage.is_narrow() || storage.calibration) && !is_lossy) {
    fail("level {} reads weights and cache in fp32: expected level 3 for {}", options.level,
         words_of(options.storage));
  }
  if (is_lossy && options.storage.weights == Width::fp32) {
    fail("level 3 stores weights narrower: expected bf16, int8 or int4, got fp32");
  }
  const Width kv = storage.kv;
  if (kv != Width::fp32 && kv != Width::bf16 && kv != Width::int8) {
    fail("a cache of keys and values is stored as fp32, bf16 or int8, got {}", words_of(kv));
  }
  if (storage.calibration) check_calibration(*parts_, storage);
  return std::shared_ptr<const Model>(new Model(parts_, options));
}

std::shared_ptr<const Model> Model::at_level(int level) const {
  return optimized(options_of_level(level));
}

int64_t Model::parameters() const {
  int64_t count = 0;
  for (const TensorSpec& spec : layout()) count += stored().at(spec).numel();
  return count;
}

Dtype Model::dtype() const {
  std::map<Dtype, int64_t> elements;
  for (const TensorSpec& spec : layout()) {
    elements[dtype_of(stored().at(spec))] += stored().at(spec).numel();
  }
  Dtype most = Dtype::float32;
  int64_t most_elements = -1;
  for (const auto& [dtype, count] : elements) {
    if (count > most_elements) most = dtype, most_elements = count;
  }
  return most;
}

int64_t Model::bytes_stored() const {
  int64_t bytes = 0;
  for (const TensorSpec& spec : layout()) bytes += static_cast<int64_t>(stored().at(spec).nbytes());
  return bytes;
}

int64_t Model::bytes_misaligned() const { return source().bytes_misaligned; }
int64_t Model::bytes_widened() const { return parts_->bytes_widened; }

PlanBytes Model::plan_bytes() const {
  const std::lock_guard lock(parts_->compiling);
  return plan_ ? bytes_of(std::array{plan_->weights}) : PlanBytes{};
}

PlanBytes Model::plan_bytes_of_all() const { return bytes_of(living_weights(*parts_)); }

const at::Tensor& Model::weight(std::string_view name) const {
  std::string_view bare = name;
  const std::string& prefix = source().prefix;
  if (!prefix.empty() && bare.starts_with(prefix)) bare.remove_prefix(prefix.size());
  for (const std::string_view candidate : {bare, name}) {
    const auto found = parts_->index_of.find(candidate);
    if (found != parts_->index_of.end()) return stored().at(layout()[found->second]);
  }
  std::vector<std::string_view> known;
  for (const TensorSpec& spec : layout()) known.push_back(spec.name);
  fail("no weight is named '{}'{}; model:weights() lists all {}", name, did_you_mean(bare, known),
       known.size());
}

std::shared_ptr<const Tokenizer> Model::tokenizer() const {
  if (!source().folder) {
    fail(
        "this model has no tokenizer: it does not come from a folder; crescent.tokenizer(DIR) "
        "reads one");
  }
  const std::lock_guard lock(parts_->lazy);
  if (!parts_->tokenizer) parts_->tokenizer = load_tokenizer(*source().folder);
  return parts_->tokenizer;
}

std::string Model::hash() const {
  const std::lock_guard lock(parts_->lazy);
  if (parts_->hash.empty()) parts_->hash = hash_model(config(), layout(), stored());
  return parts_->hash;
}

}  // namespace crescent
