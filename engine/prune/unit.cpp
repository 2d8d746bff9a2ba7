#include "engine/prune/unit.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include "engine/error.h"

namespace crescent {
namespace {

struct KindName {
  const char* plural;
  const char* singular;
};
constexpr std::array<KindName, kUnitKinds> kNames{{{"heads", "head"},
                                                   {"groups", "group"},
                                                   {"neurons", "neuron"},
                                                   {"layers", "layer"},
                                                   {"weights", "weight"}}};

/// Elements of a tensor for each step along one of its axes.
int64_t elements_per(const TensorSpec& tensor, Axis axis, int64_t steps) {
  const Axes axes = axes_of(tensor.slot);
  if (axes.out != axis && axes.in != axis) return 0;
  const int64_t elements =
      std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
  return steps == 0 ? 0 : elements / steps;
}

void check_there(const DecoderConfig& config, const Unit& unit) {
  if (unit.kind == UnitKind::weights) fail("single weights can't be listed; give a ratio");
  const auto layers = static_cast<int32_t>(config.layers.size());
  if (unit.layer < 0 || unit.layer >= layers) {
    fail("there is no layer {}; the model has {}", unit.layer + 1, layers);
  }
  const int64_t units = units_in(config, unit.kind, static_cast<size_t>(unit.layer));
  if (unit.index < 0 || unit.index >= units) {
    fail("there is no {} {} in layer {}; it has {}", singular_of(unit.kind), unit.index + 1,
         unit.layer + 1, units);
  }
}

std::vector<int32_t> all_but(int64_t count, const std::set<int32_t>& removed) {
  std::vector<int32_t> kept;
  for (int32_t i = 0; i < count; ++i) {
    if (!removed.contains(i)) kept.push_back(i);
  }
  return kept;
}

}  // namespace

const char* name_of(UnitKind kind) { return kNames[static_cast<size_t>(kind)].plural; }
const char* singular_of(UnitKind kind) { return kNames[static_cast<size_t>(kind)].singular; }

int64_t units_in(const DecoderConfig& config, UnitKind kind, size_t layer) {
  const LayerSpec& spec = config.layers[layer];
  switch (kind) {
    case UnitKind::heads: return spec.has_attention ? spec.heads() : 0;
    case UnitKind::groups: return spec.has_attention ? spec.kv_heads : 0;
    case UnitKind::neurons: return spec.has_ffn ? spec.ffn_width : 0;
    case UnitKind::layers: return 1;
    case UnitKind::weights: break;
  }
  return 0;
}

int64_t units_in(const DecoderConfig& config, UnitKind kind) {
  int64_t units = 0;
  for (size_t i = 0; i < config.layers.size(); ++i) units += units_in(config, kind, i);
  return units;
}

Axes axes_of(Slot slot) {
  switch (slot) {
    case Slot::qkv_weight:
    case Slot::qkv_bias: return {.out = Axis::qkv_heads};
    case Slot::q_weight:
    case Slot::q_bias: return {.out = Axis::query_heads};
    case Slot::k_weight:
    case Slot::k_bias:
    case Slot::v_weight:
    case Slot::v_bias: return {.out = Axis::kv_heads};
    case Slot::attention_output_weight: return {.in = Axis::query_heads};
    case Slot::ffn_gate_weight:
    case Slot::ffn_gate_bias:
    case Slot::ffn_up_weight:
    case Slot::ffn_up_bias: return {.out = Axis::neurons};
    case Slot::ffn_down_weight: return {.in = Axis::neurons};
    default: return {};
  }
}

UnitSizes::UnitSizes(const DecoderConfig& config, const Layout& layout) {
  for (const LayerSpec& spec : config.layers) {
    Layer layer;
    layer.kv_of_head = spec.kv_of_head;
    layer.readers.assign(static_cast<size_t>(spec.kv_heads), 0);
    for (const int32_t kv : spec.kv_of_head) ++layer.readers[static_cast<size_t>(kv)];
    layers_.push_back(std::move(layer));
  }
  for (const TensorSpec& tensor : layout) {
    if (tensor.layer < 0) continue;
    const LayerSpec& spec = config.layers[static_cast<size_t>(tensor.layer)];
    Layer& layer = layers_[static_cast<size_t>(tensor.layer)];
    const int64_t qkv = spec.heads() + 2 * int64_t{spec.kv_heads};
    const int64_t of_one_in_qkv = elements_per(tensor, Axis::qkv_heads, qkv);
    layer.query_head += elements_per(tensor, Axis::query_heads, spec.heads()) + of_one_in_qkv;
    layer.kv_head += elements_per(tensor, Axis::kv_heads, spec.kv_heads) + 2 * of_one_in_qkv;
    layer.neuron += elements_per(tensor, Axis::neurons, spec.ffn_width);
    layer.all +=
        std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
  }
}

int64_t UnitSizes::of(const Unit& unit) const {
  const Layer& layer = layers_[static_cast<size_t>(unit.layer)];
  const auto index = static_cast<size_t>(unit.index);
  switch (unit.kind) {
    case UnitKind::heads: {
      const auto kv = static_cast<size_t>(layer.kv_of_head[index]);
      return layer.query_head + (layer.readers[kv] == 1 ? layer.kv_head : 0);
    }
    case UnitKind::groups: return layer.readers[index] * layer.query_head + layer.kv_head;
    case UnitKind::neurons: return layer.neuron;
    case UnitKind::layers: return layer.all;
    case UnitKind::weights: return 0;
  }
  return 0;
}

std::vector<KeptLayer> kept_without(const DecoderConfig& config, const std::vector<Unit>& removed) {
  struct Gone {
    bool layer = false;
    std::set<int32_t> heads, groups, neurons;
  };
  std::vector<Gone> gone(config.layers.size());
  for (const Unit& unit : removed) {
    check_there(config, unit);
    Gone& at = gone[static_cast<size_t>(unit.layer)];
    bool is_new = true;
    switch (unit.kind) {
      case UnitKind::heads: is_new = at.heads.insert(unit.index).second; break;
      case UnitKind::groups: is_new = at.groups.insert(unit.index).second; break;
      case UnitKind::neurons: is_new = at.neurons.insert(unit.index).second; break;
      case UnitKind::layers: is_new = !std::exchange(at.layer, true); break;
      case UnitKind::weights: break;
    }
    if (!is_new) {
      if (unit.kind == UnitKind::layers) fail("layer {} is named twice", unit.layer + 1);
      fail("{} {} of layer {} is named twice", singular_of(unit.kind), unit.index + 1,
           unit.layer + 1);
    }
  }

  std::vector<KeptLayer> kept;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    if (gone[i].layer) continue;
    const LayerSpec& spec = config.layers[i];
    for (int32_t head = 0; head < spec.heads(); ++head) {
      if (gone[i].groups.contains(spec.kv_of_head[static_cast<size_t>(head)])) {
        gone[i].heads.insert(head);
      }
    }
    KeptLayer layer{.layer = static_cast<int32_t>(i),
                    .heads = all_but(spec.heads(), gone[i].heads),
                    .kv_heads = {},
                    .neurons = all_but(spec.ffn_width, gone[i].neurons)};
    std::set<int32_t> read;
    for (const int32_t head : layer.heads) {
      read.insert(spec.kv_of_head[static_cast<size_t>(head)]);
    }
    // Where nothing was removed nothing changes, even a key/value head that nobody reads.
    if (gone[i].heads.empty()) {
      layer.kv_heads = all_but(spec.kv_heads, {});
    } else {
      layer.kv_heads.assign(read.begin(), read.end());
    }
    kept.push_back(std::move(layer));
  }
  return kept;
}

DecoderConfig config_of_kept(const DecoderConfig& config, const std::vector<KeptLayer>& kept) {
  DecoderConfig result = config;
  result.layers.clear();
  for (const KeptLayer& layer : kept) {
    const LayerSpec& before = config.layers[static_cast<size_t>(layer.layer)];
    LayerSpec after = before;
    after.kv_heads = static_cast<int32_t>(layer.kv_heads.size());
    after.ffn_width = static_cast<int64_t>(layer.neurons.size());
    after.kv_of_head.clear();
    after.origin.heads.clear();
    for (const int32_t head : layer.heads) {
      const int32_t kv = before.kv_of_head[static_cast<size_t>(head)];
      const auto place = std::lower_bound(layer.kv_heads.begin(), layer.kv_heads.end(), kv);
      after.kv_of_head.push_back(static_cast<int32_t>(place - layer.kv_heads.begin()));
      after.origin.heads.push_back(before.origin.heads[static_cast<size_t>(head)]);
    }
    result.layers.push_back(std::move(after));
  }
  return result;
}

}  // namespace crescent
