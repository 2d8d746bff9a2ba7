#include "engine/exec/compiled/weights.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <vector>

#include "engine/exec/openmp_team.h"
#include "engine/exec/reference.h"
#include "engine/interrupt.h"
#include "engine/kernels/kernels.h"
#include "engine/model/accounting.h"
#include "engine/threads.h"

namespace crescent::compiled {
namespace {

using kernels::Stored;

/// What is widened or turned at once, on its way to where it is packed: floats.
constexpr int64_t kPartFloats = int64_t{1} << 20;

/// What a plan does with a stored tensor.
enum class Use {
  wide,      ///< reads it as fp32: where it lies, or its widened copy
  in_place,  ///< reads it as bf16 where it lies
  turned,    ///< copies it, from [in, out] to [out, in]
  packed     ///< copies it narrower
};

Use use_of(const CompileInput& input, const TensorSpec& spec) {
  const Width width = width_of(spec, input.config.tied_head, input.storage);
  const bool is_bf16 = input.stored.at(spec).scalar_type() == at::kBFloat16 && !spec.in_out;
  if (width == Width::bf16 && is_bf16) return Use::in_place;
  if (width != Width::fp32) return Use::packed;
  // Rows of a table that is no matrix: exact as they lie, and a widened copy would be twice as
  // large.
  if (spec.slot == Slot::token_embedding && input.storage.is_narrow() && is_bf16 &&
      !input.config.tied_head) {
    return Use::in_place;
  }
  return spec.in_out ? Use::turned : Use::wide;
}

/// What a tensor's copy takes: 0 if it has none.
int64_t bytes_of_copy(const CompileInput& input, const TensorSpec& spec) {
  switch (use_of(input, spec)) {
    case Use::turned: return elements(spec) * int64_t{sizeof(float)};
    case Use::packed:
      return packed_bytes(matrix_shape(spec),
                          width_of(spec, input.config.tied_head, input.storage));
    default: return 0;
  }
}

/// Where tensors lie that the plan's pointers point into.
struct Memory {
  std::vector<at::Tensor> tensors;
  HugePages copies;
};

/// to[out, in] = from[in, out], columns `first` .. `first + count`
struct Columns {
  const at::Tensor& from;
  int64_t first, count;
};
void transpose(Team& team, const Columns& columns, float* to) {
  const int64_t in = columns.from.size(0);
  const at::Tensor part = columns.from.narrow(1, columns.first, columns.count).to(at::kFloat);
  const kernels::Transpose job{.from = part.data_ptr<float>(),
                               .from_stride = part.stride(0),
                               .rows = in,
                               .to = to,
                               .to_stride = in};
  team.run([&](const Rank& rank) {
    const Range mine = share_of(columns.count, rank, kernels::kOutsGrain);
    kernels::kernels().transpose(job, {mine.begin, mine.end});
  });
}

/// Packs matrices, a part of one after the other.
class Packer {
 public:
  explicit Packer(Team& team) : team_(team) {}

  struct Job {
    const at::Tensor& from;
    const TensorSpec& spec;
    Width width;
    const float* importance;  ///< of its inputs; null: all alike
  };
  Stored pack(const Job& job, std::byte* to) {
    kernels::WeightedError error;
    const auto [out, in] = matrix_shape(job.spec);
    Stored made{.data = to, .width = job.width, .stride = kernels::row_bytes(job.width, in)};
    float* const scales =
        job.width == Width::int8 ? reinterpret_cast<float*>(to + out * made.stride) : nullptr;
    made.scales = scales;
    const int64_t at_once = std::max(kPartFloats / std::max(in, int64_t{1}), int64_t{1});
    for (int64_t first = 0; first < out; first += at_once) {
      check_interrupt();
      const int64_t count = std::min(at_once, out - first);
      const at::Tensor rows = wide_rows(job, first, count);
      std::vector<kernels::WeightedError> errors(static_cast<size_t>(job.importance ? count : 0));
      const kernels::Quantization quantization{.from = rows.data_ptr<float>(),
                                               .from_stride = in,
                                               .inputs = in,
                                               .width = job.width,
                                               .to = to + first * made.stride,
                                               .to_stride = made.stride,
                                               .scales = scales ? scales + first : nullptr,
                                               .importance = job.importance,
                                               .errors = job.importance ? errors.data() : nullptr};
      team_.run([&](const Rank& rank) {
        const Range mine = share_of(count, rank);
        kernels::quantize(quantization, mine.begin, mine.end);
      });
      for (const kernels::WeightedError& row : errors) {
        error.plain += row.plain;
        error.chosen += row.chosen;
        error.whole += row.whole;
      }
    }
    if (error.whole > 0) {
      ++calibrated_;
      sum_.before += error.plain / error.whole;
      sum_.after += error.chosen / error.whole;
    }
    return made;
  }

  CalibrationGain gain() const {
    const auto matrices = static_cast<double>(std::max(calibrated_, int64_t{1}));
    return {sum_.before / matrices, sum_.after / matrices};
  }

 private:
  /// (count, in) floats: where they lie, if they are such rows there.
  at::Tensor wide_rows(const Job& job, int64_t first, int64_t count) {
    if (!job.spec.in_out) return job.from.narrow(0, first, count).to(at::kFloat);
    const at::Tensor turned = at::empty({count, job.from.size(0)}, at::kFloat);
    transpose(team_, {job.from, first, count}, turned.data_ptr<float>());
    return turned;
  }

  Team& team_;
  int64_t calibrated_ = 0;  // matrices
  CalibrationGain sum_;
};

/// Finds, or makes, what each tensor of the layout is for a plan.
class Addresses {
 public:
  explicit Addresses(const CompileInput& input)
      : input_(input),
        team_(make_openmp_team(threads())),
        packer_(*team_),
        found_(input.config.layers.size()) {
    int64_t bytes = 0;
    for (const TensorSpec& spec : input.layout) bytes += bytes_of_copy(input, spec);
    memory_->copies = HugePages(static_cast<size_t>(bytes));
    next_ = static_cast<std::byte*>(memory_->copies.data());
    for (const TensorSpec& spec : input.layout) {
      check_interrupt();
      Slots& slots = spec.layer < 0 ? global_ : found_.at(static_cast<size_t>(spec.layer));
      slots[static_cast<size_t>(spec.slot)] = place(spec);
    }
  }

  const Stored& matrix(Slot slot) const { return global_[static_cast<size_t>(slot)]; }
  const Stored& matrix(Slot slot, size_t layer) const {
    return found_[layer][static_cast<size_t>(slot)];
  }
  const float* at(Slot slot) const { return static_cast<const float*>(matrix(slot).data); }
  const float* at(Slot slot, size_t layer) const {
    return static_cast<const float*>(matrix(slot, layer).data);
  }
  std::shared_ptr<const void> memory() const { return memory_; }
  const std::map<const void*, int64_t>& given_back() const { return given_back_; }
  CalibrationGain gain() const { return packer_.gain(); }

 private:
  using Slots = std::array<Stored, kSlots>;

  Stored place(const TensorSpec& spec) {
    const int64_t row = spec.in_out ? spec.shape.front() : spec.shape.back();
    switch (use_of(input_, spec)) {
      case Use::wide:
        memory_->tensors.push_back(input_.widened(spec).contiguous());
        return kernels::stored(memory_->tensors.back().data_ptr<float>(), row);
      case Use::in_place:
        memory_->tensors.push_back(input_.stored.at(spec).contiguous());
        return {.data = memory_->tensors.back().data_ptr(),
                .width = Width::bf16,
                .stride = kernels::row_bytes(Width::bf16, row)};
      default: return copy(spec);
    }
  }

  Stored copy(const TensorSpec& spec) {
    const at::Tensor from = input_.stored.at(spec).contiguous();
    std::byte* const to = next_;
    next_ += bytes_of_copy(input_, spec);
    Stored made;
    if (use_of(input_, spec) == Use::turned) {
      const auto [out, in] = matrix_shape(spec);
      transpose(*team_, {from, 0, out}, reinterpret_cast<float*>(to));
      made = kernels::stored(reinterpret_cast<const float*>(to), in);
    } else {
      const Width width = width_of(spec, input_.config.tied_head, input_.storage);
      made = packer_.pack({from, spec, width, importance_of(spec, width)}, to);
    }
    const at::Tensor& mapped = input_.stored.at(spec);
    if (const int64_t bytes = input_.give_back(mapped)) given_back_[mapped.data_ptr()] = bytes;
    return made;
  }

  const float* importance_of(const TensorSpec& spec, Width width) const {
    const SharedCalibration& calibration = input_.storage.calibration;
    return calibration && has_scales(width) ? calibration->inputs_of(spec).data() : nullptr;
  }

  const CompileInput& input_;
  std::unique_ptr<Team> team_;
  Packer packer_;
  std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
  std::byte* next_ = nullptr;
  std::map<const void*, int64_t> given_back_;
  Slots global_{};
  std::vector<Slots> found_;
};

LayerWeights layer_weights(const CompileInput& input, const Addresses& addresses, size_t layer) {
  const LayerSpec& spec = input.config.layers[layer];
  const int64_t C = input.config.d_model, D = spec.head_dim, F = spec.ffn_width;
  const int64_t q = spec.heads() * D, kv = spec.kv_heads * D;
  const auto matrix = [&](Slot weight, Slot bias, int64_t out, int64_t in) {
    return Matrix{addresses.matrix(weight, layer), addresses.at(bias, layer), out, in};
  };
  LayerWeights weights;
  if (spec.has_attention) {
    weights.attention_norm = {addresses.at(Slot::attention_norm_weight, layer),
                              addresses.at(Slot::attention_norm_bias, layer)};
    if (input.stored.at(Slot::qkv_weight, layer).defined()) {
      weights.qkv = {matrix(Slot::qkv_weight, Slot::qkv_bias, q + 2 * kv, C)};
    } else {
      weights.qkv = {matrix(Slot::q_weight, Slot::q_bias, q, C),
                     matrix(Slot::k_weight, Slot::k_bias, kv, C),
                     matrix(Slot::v_weight, Slot::v_bias, kv, C)};
    }
    weights.attention_output =
        matrix(Slot::attention_output_weight, Slot::attention_output_bias, C, q);
    if (input.config.positions == PositionKind::rotary) {
      weights.frequencies = rotary_frequencies(input.config.rotary, D);
    }
  }
  if (spec.has_ffn) {
    weights.ffn_norm = {addresses.at(Slot::ffn_norm_weight, layer),
                        addresses.at(Slot::ffn_norm_bias, layer)};
    if (input.config.gated_ffn) {
      weights.ffn_gate = matrix(Slot::ffn_gate_weight, Slot::ffn_gate_bias, F, C);
    }
    weights.ffn_up = matrix(Slot::ffn_up_weight, Slot::ffn_up_bias, F, C);
    weights.ffn_down = matrix(Slot::ffn_down_weight, Slot::ffn_down_bias, C, F);
  }
  return weights;
}

}  // namespace

MemoryToCompile memory_to_compile(const CompileInput& input) {
  MemoryToCompile memory;
  for (const TensorSpec& spec : input.layout) {
    const Use use = use_of(input, spec);
    const bool is_fp32 = input.stored.at(spec).scalar_type() == at::kFloat;
    int64_t in_passing = 0;
    if (use == Use::turned) {
      memory.transposed += bytes_of_copy(input, spec);
      in_passing = is_fp32 ? 0 : elements(spec);
    } else if (use == Use::packed) {
      memory.packed += bytes_of_copy(input, spec);
      const int64_t copies = (is_fp32 ? 0 : 1) + (spec.in_out ? 1 : 0);
      in_passing = copies * std::max(kPartFloats, matrix_shape(spec).in);
    }
    memory.in_passing = std::max(memory.in_passing, in_passing * int64_t{sizeof(float)});
  }
  return memory;
}

bool reads_wide(const CompileInput& input, const TensorSpec& spec) {
  return use_of(input, spec) == Use::wide;
}

std::shared_ptr<const CompiledWeights> compile_weights(const CompileInput& input) {
  const DecoderConfig& config = input.config;
  const MemoryToCompile memory = memory_to_compile(input);
  const Addresses addresses(input);
  CompiledWeights made{.storage = input.storage, .weights = {}};
  PlanWeights& weights = made.weights;
  weights.token_embedding = addresses.matrix(Slot::token_embedding);
  weights.position_embedding = addresses.at(Slot::position_embedding);
  weights.final_norm = {addresses.at(Slot::final_norm_weight), addresses.at(Slot::final_norm_bias)};
  weights.head = {addresses.matrix(config.tied_head ? Slot::token_embedding : Slot::head_weight),
                  nullptr, config.vocab, config.d_model};
  for (size_t layer = 0; layer < config.layers.size(); ++layer) {
    weights.layers.push_back(layer_weights(input, addresses, layer));
  }
  made.bytes_transposed = memory.transposed;
  made.bytes_packed = memory.packed;
  made.calibrated = addresses.gain();
  made.given_back = addresses.given_back();
  made.memory = addresses.memory();
  return std::make_shared<const CompiledWeights>(std::move(made));
}

}  // namespace crescent::compiled
