#include "engine/exec/compiled/weights.h"

#include <vector>

#include "engine/exec/openmp_team.h"
#include "engine/exec/reference.h"
#include "engine/interrupt.h"
#include "engine/kernels/kernels.h"
#include "engine/model/accounting.h"
#include "engine/threads.h"

namespace crescent::compiled {
namespace {

/// Where tensors lie that the plan's pointers point into.
struct Storage {
  std::vector<at::Tensor> tensors;
  HugePages transposed;
};

/// to[out, in] = from[in, out]
void transpose(Team& team, const at::Tensor& from, float* to) {
  const int64_t in = from.size(0), out = from.size(1);
  const kernels::Transpose job{
      .from = from.data_ptr<float>(), .from_stride = out, .rows = in, .to = to, .to_stride = in};
  team.run([&](const Rank& rank) {
    const Range mine = share_of(out, rank, kernels::kOutsGrain);
    kernels::kernels().transpose(job, {mine.begin, mine.end});
  });
}

/// Finds the address of each tensor of the layout.
class Addresses {
 public:
  explicit Addresses(const CompileInput& input)
      : input_(input), found_(input.config.layers.size()) {
    storage_->transposed = HugePages(static_cast<size_t>(bytes_to_copy(input.layout)));
    float* next = storage_->transposed.floats();
    const auto team = make_openmp_team(threads());
    for (const TensorSpec& spec : input.layout) {
      check_interrupt();
      if (spec.in_out) {
        const at::Tensor from = input.stored.at(spec).to(at::kFloat).contiguous();
        transpose(*team, from, next);
        input.give_back(input.stored.at(spec));
        set(spec, next);
        next += elements(spec);
        continue;
      }
      storage_->tensors.push_back(input.widened(spec).contiguous());
      set(spec, storage_->tensors.back().data_ptr<float>());
    }
  }

  const float* at(Slot slot) const { return global_[static_cast<size_t>(slot)]; }
  const float* at(Slot slot, size_t layer) const {
    return found_[layer][static_cast<size_t>(slot)];
  }
  std::shared_ptr<const void> storage() const { return storage_; }

 private:
  using Slots = std::array<const float*, kSlots>;
  void set(const TensorSpec& spec, const float* address) {
    Slots& slots = spec.layer < 0 ? global_ : found_.at(static_cast<size_t>(spec.layer));
    slots[static_cast<size_t>(spec.slot)] = address;
  }

  const CompileInput& input_;
  std::shared_ptr<Storage> storage_ = std::make_shared<Storage>();
  Slots global_{};
  std::vector<Slots> found_;
};

LayerWeights layer_weights(const CompileInput& input, const Addresses& addresses, size_t layer) {
  const LayerSpec& spec = input.config.layers[layer];
  const int64_t C = input.config.d_model, D = spec.head_dim, F = spec.ffn_width;
  const int64_t q = spec.heads() * D, kv = spec.kv_heads * D;
  const auto matrix = [&](Slot weight, Slot bias, int64_t out, int64_t in) {
    return Matrix{addresses.at(weight, layer), addresses.at(bias, layer), out, in};
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

int64_t bytes_to_copy(const Layout& layout) {
  int64_t count = 0;
  for (const TensorSpec& spec : layout) {
    if (spec.in_out) count += elements(spec);
  }
  return count * int64_t{sizeof(float)};
}

std::shared_ptr<const CompiledWeights> compile_weights(const CompileInput& input) {
  const DecoderConfig& config = input.config;
  const Addresses addresses(input);
  PlanWeights weights;
  weights.token_embedding = addresses.at(Slot::token_embedding);
  weights.position_embedding = addresses.at(Slot::position_embedding);
  weights.final_norm = {addresses.at(Slot::final_norm_weight), addresses.at(Slot::final_norm_bias)};
  weights.head = {addresses.at(config.tied_head ? Slot::token_embedding : Slot::head_weight),
                  nullptr, config.vocab, config.d_model};
  for (size_t layer = 0; layer < config.layers.size(); ++layer) {
    weights.layers.push_back(layer_weights(input, addresses, layer));
  }
  return std::make_shared<const CompiledWeights>(
      CompiledWeights{std::move(weights), bytes_to_copy(input.layout), addresses.storage()});
}

}  // namespace crescent::compiled
