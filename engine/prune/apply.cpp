#include "engine/prune/apply.h"

#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <map>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "engine/memory.h"
#include "engine/model/accounting.h"

namespace crescent {
namespace {

/// Which rows of a dimension heads and neurons are: the numbers of all elements along it.
class Rows {
 public:
  /// Heads stand as blocks of `head_dim` rows, from `first` on.
  void add_heads(const std::vector<int32_t>& heads, int64_t head_dim, int64_t first = 0) {
    for (const int32_t head : heads) {
      for (int64_t i = 0; i < head_dim; ++i) rows_.push_back(first + head * head_dim + i);
    }
  }
  void add(const std::vector<int32_t>& rows) {
    rows_.insert(rows_.end(), rows.begin(), rows.end());
  }
  at::Tensor tensor() const {
    return at::tensor(at::ArrayRef<int64_t>(rows_), at::TensorOptions(at::kLong));
  }
  int64_t count() const { return static_cast<int64_t>(rows_.size()); }

 private:
  std::vector<int64_t> rows_;
};

/// Along an axis of layer `spec`, the rows of what is in `kept`.
Rows rows_of(Axis axis, const LayerSpec& spec, const KeptLayer& kept) {
  Rows rows;
  switch (axis) {
    case Axis::query_heads: rows.add_heads(kept.heads, spec.head_dim); break;
    case Axis::kv_heads: rows.add_heads(kept.kv_heads, spec.head_dim); break;
    case Axis::qkv_heads: {
      const int64_t query = spec.heads() * spec.head_dim, kv = spec.kv_heads * spec.head_dim;
      rows.add_heads(kept.heads, spec.head_dim);
      rows.add_heads(kept.kv_heads, spec.head_dim, query);
      rows.add_heads(kept.kv_heads, spec.head_dim, query + kv);
      break;
    }
    case Axis::neurons: rows.add(kept.neurons); break;
    case Axis::fixed: break;
  }
  return rows;
}

/// Where the out and in axes of a stored tensor are; -1: it has none.
struct Dims {
  int64_t out = 0, in = -1;
};
Dims dims_of(const TensorSpec& spec) {
  if (spec.shape.size() < 2) return {};
  return spec.in_out ? Dims{.out = 1, .in = 0} : Dims{.out = 0, .in = 1};
}

/// Calls change(dimension, axis) for each dimension of the tensor that heads or neurons count.
template <class Change>
void for_each_axis(const TensorSpec& spec, Change change) {
  const Axes axes = axes_of(spec.slot);
  const Dims dims = dims_of(spec);
  if (axes.out != Axis::fixed) change(dims.out, axes.out);
  if (axes.in != Axis::fixed) change(dims.in, axes.in);
}

at::Tensor slice(const at::Tensor& stored, const TensorSpec& spec, const LayerSpec& layer,
                 const KeptLayer& kept) {
  at::Tensor tensor = stored;
  for_each_axis(spec, [&](int64_t dim, Axis axis) {
    const Rows rows = rows_of(axis, layer, kept);
    if (rows.count() == tensor.size(dim)) return;
    tensor = at::index_select(tensor, dim, rows.tensor());
  });
  return tensor;
}

/// The numbers of the old layout's tensors by slot and layer.
std::map<std::pair<int32_t, Slot>, const TensorSpec*> by_place(const Layout& layout) {
  std::map<std::pair<int32_t, Slot>, const TensorSpec*> places;
  for (const TensorSpec& spec : layout) places[{spec.layer, spec.slot}] = &spec;
  return places;
}

Model::Source source_of(const Model& model) {
  Model::Source source = model.source();
  source.bytes_misaligned = 0;
  return source;
}

std::vector<int32_t> units_of(const std::vector<Unit>& units, UnitKind kind, int32_t layer) {
  std::vector<int32_t> numbers;
  for (const Unit& unit : units) {
    if (unit.kind == kind && unit.layer == layer) numbers.push_back(unit.index);
  }
  return numbers;
}

/// The query heads of a layer that are removed, alone or with their group.
std::vector<int32_t> heads_removed(const LayerSpec& spec, const KeptLayer* kept) {
  std::vector<int32_t> heads;
  for (int32_t head = 0; head < spec.heads(); ++head) {
    if (!kept || !std::binary_search(kept->heads.begin(), kept->heads.end(), head)) {
      heads.push_back(head);
    }
  }
  return heads;
}

at::Tensor with_zero_rows(const at::Tensor& stored, int64_t dim, const Rows& rows) {
  if (rows.count() == 0) return stored;
  return stored.clone().index_fill_(dim, rows.tensor(), 0);
}

int64_t bytes_of_layout(const Layout& layout, const Model& like) {
  return parameters(layout).total() * static_cast<int64_t>(bytes_of(like.dtype()));
}

/// The key/value head that this one was before anything was removed: its readers know theirs.
int32_t original_kv_head(const LayerSpec& spec, int32_t kv_head) {
  const int32_t per_group = spec.origin.shape.heads / spec.origin.shape.kv_heads;
  for (size_t head = 0; head < spec.kv_of_head.size(); ++head) {
    if (spec.kv_of_head[head] == kv_head) return spec.origin.heads[head] / per_group;
  }
  fail("key/value head {} has no reader", kv_head + 1);
}

/// Where what is left of a layer stood in the original.
KeptLayer original_places(const LayerSpec& spec) {
  KeptLayer places{.layer = 0, .heads = spec.origin.heads, .kv_heads = {}, .neurons = {}};
  for (int32_t kv = 0; kv < spec.kv_heads; ++kv) {
    places.kv_heads.push_back(original_kv_head(spec, kv));
  }
  for (int32_t i = 0; i < spec.ffn_width; ++i) places.neurons.push_back(i);
  return places;
}

}  // namespace

std::shared_ptr<const Model> without(const Model& model, const std::vector<Unit>& removed) {
  const c10::NoGradGuard no_grad;
  const std::vector<KeptLayer> kept = kept_without(model.config(), removed);
  if (kept.empty()) fail("no layer would be left");
  DecoderConfig config = config_of_kept(model.config(), kept);
  Layout layout = model.family().layout(config);
  const auto old = by_place(model.layout());
  Weights weights(config.layers.size());
  for (const TensorSpec& spec : layout) {
    check_interrupt();
    if (spec.layer < 0) {
      weights.set(spec, model.stored().at(spec));
      continue;
    }
    const KeptLayer& layer = kept[static_cast<size_t>(spec.layer)];
    const TensorSpec& before = *old.at({layer.layer, spec.slot});
    weights.set(spec, slice(model.stored().at(before), before,
                            model.config().layers[static_cast<size_t>(layer.layer)], layer));
  }
  return Model::make(model.family(), std::move(config), std::move(layout), std::move(weights),
                     source_of(model))
      ->optimized(for_other_weights(model.options()));
}

std::shared_ptr<const Model> masked(const Model& model, const std::vector<Unit>& removed) {
  const c10::NoGradGuard no_grad;
  const std::vector<KeptLayer> kept = kept_without(model.config(), removed);
  const auto kept_of = [&](int32_t layer) -> const KeptLayer* {
    for (const KeptLayer& k : kept) {
      if (k.layer == layer) return &k;
    }
    return nullptr;
  };
  Weights weights(model.config().layers.size());
  for (const TensorSpec& spec : model.layout()) {
    check_interrupt();
    const at::Tensor& stored = model.stored().at(spec);
    const KeptLayer* const layer = spec.layer < 0 ? nullptr : kept_of(spec.layer);
    const bool is_layer_gone = spec.layer >= 0 && layer == nullptr;
    at::Tensor tensor = stored;
    if (is_layer_gone &&
        (spec.slot == Slot::attention_output_weight || spec.slot == Slot::attention_output_bias ||
         spec.slot == Slot::ffn_down_weight || spec.slot == Slot::ffn_down_bias)) {
      tensor = at::zeros_like(stored);
    } else if (spec.slot == Slot::attention_output_weight) {
      const LayerSpec& before = model.config().layers[static_cast<size_t>(spec.layer)];
      Rows rows;
      rows.add_heads(heads_removed(before, layer), before.head_dim);
      tensor = with_zero_rows(stored, dims_of(spec).in, rows);
    } else if (spec.slot == Slot::ffn_down_weight) {
      Rows rows;
      rows.add(units_of(removed, UnitKind::neurons, spec.layer));
      tensor = with_zero_rows(stored, dims_of(spec).in, rows);
    }
    weights.set(spec, std::move(tensor));
  }
  return Model::make(model.family(), model.config(), model.layout(), std::move(weights),
                     source_of(model))
      ->optimized(for_other_weights(model.options()));
}

std::shared_ptr<const Model> padded(const Model& model) {
  const c10::NoGradGuard no_grad;
  DecoderConfig config = model.config();
  for (LayerSpec& layer : config.layers) {
    const double scale = layer.attention_scale;
    layer = whole_layer(layer.origin.shape, layer.origin.layer);
    layer.attention_scale = scale;
  }
  if (config == model.config()) return model.optimized(model.options());
  Layout layout = model.family().layout(config);
  require_memory(bytes_of_layout(layout, model), "the model with zeros where it lost weights");
  const auto old = by_place(model.layout());
  Weights weights(config.layers.size());
  for (const TensorSpec& spec : layout) {
    check_interrupt();
    const auto before = old.find({spec.layer, spec.slot});
    if (before == old.end()) {  // a half that the layer has lost as a whole
      weights.set(spec, at::zeros(spec.shape, scalar_type(model.dtype())));
      continue;
    }
    at::Tensor tensor = model.stored().at(*before->second);
    if (spec.layer >= 0) {
      const auto layer = static_cast<size_t>(spec.layer);
      const KeptLayer places = original_places(model.config().layers[layer]);
      for_each_axis(spec, [&](int64_t dim, Axis axis) {
        if (tensor.size(dim) == spec.shape[static_cast<size_t>(dim)]) return;
        std::vector<int64_t> shape = tensor.sizes().vec();
        shape[static_cast<size_t>(dim)] = spec.shape[static_cast<size_t>(dim)];
        const at::Tensor whole = at::zeros(shape, tensor.options());
        whole.index_copy_(dim, rows_of(axis, config.layers[layer], places).tensor(), tensor);
        tensor = whole;
      });
    }
    weights.set(spec, std::move(tensor));
  }
  return Model::make(model.family(), std::move(config), std::move(layout), std::move(weights),
                     source_of(model))
      ->optimized(for_other_weights(model.options()));
}

}  // namespace crescent
