#include "engine/prune/measure.h"

#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>

#include <numeric>

#include "engine/error.h"
#include "engine/eval/windows.h"
#include "engine/exec/forward.h"
#include "engine/interrupt.h"

namespace crescent {
namespace {

/// Adds the sums over each of `count` equal parts of dimension `dim`, from `first` on.
void add_parts(std::vector<double>& sums, const at::Tensor& row_sums, int64_t first,
               int64_t rows_each) {
  const double* values = row_sums.data_ptr<double>();
  for (size_t unit = 0; unit < sums.size(); ++unit) {
    const int64_t begin = first + static_cast<int64_t>(unit) * rows_each;
    sums[unit] += std::accumulate(values + begin, values + begin + rows_each, 0.0);
  }
}

/// (rows): the sum over all else than dimension `dim`.
at::Tensor sum_of_rows(const at::Tensor& values, int64_t dim) {
  if (values.dim() == 1) return values.to(at::kDouble).contiguous();
  return values.sum(1 - dim, /*keepdim=*/false, at::kDouble).contiguous();
}

void add_axis(LayerSums& sums, const LayerSpec& layer, Axis axis, const at::Tensor& rows) {
  const int64_t D = layer.head_dim;
  switch (axis) {
    case Axis::query_heads: add_parts(sums.query_head, rows, 0, D); break;
    case Axis::kv_heads: add_parts(sums.kv_head, rows, 0, D); break;
    case Axis::qkv_heads: {
      const int64_t query = layer.heads() * D, kv = layer.kv_heads * D;
      add_parts(sums.query_head, rows, 0, D);
      add_parts(sums.kv_head, rows, query, D);
      add_parts(sums.kv_head, rows, query + kv, D);
      break;
    }
    case Axis::neurons: add_parts(sums.neuron, rows, 0, 1); break;
    case Axis::fixed: break;
  }
}

constexpr int64_t kWindowsAtOnce = 8;

}  // namespace

std::vector<LayerSums> sums_over_units(const Model& model,
                                       const std::function<at::Tensor(size_t)>& values) {
  const c10::NoGradGuard no_grad;
  std::vector<LayerSums> sums;
  for (const LayerSpec& layer : model.config().layers) {
    LayerSums of_layer;
    of_layer.query_head.assign(layer.kv_of_head.size(), 0);
    of_layer.kv_head.assign(static_cast<size_t>(layer.kv_heads), 0);
    of_layer.neuron.assign(static_cast<size_t>(layer.ffn_width), 0);
    sums.push_back(std::move(of_layer));
  }
  for (size_t i = 0; i < model.layout().size(); ++i) {
    const TensorSpec& spec = model.layout()[i];
    if (spec.layer < 0) continue;
    check_interrupt();
    const at::Tensor of_tensor = values(i);
    if (!of_tensor.defined()) continue;
    const auto layer = static_cast<size_t>(spec.layer);
    const LayerSpec& layer_spec = model.config().layers[layer];
    sums[layer].all += of_tensor.sum(at::kDouble).item<double>();
    const Axes axes = axes_of(spec.slot);
    const int64_t out = spec.shape.size() == 2 && spec.in_out ? 1 : 0;
    if (axes.out != Axis::fixed) {
      add_axis(sums[layer], layer_spec, axes.out, sum_of_rows(of_tensor, out));
    }
    if (axes.in != Axis::fixed) {
      add_axis(sums[layer], layer_spec, axes.in, sum_of_rows(of_tensor, 1 - out));
    }
  }
  return sums;
}

Scores scores_from(const DecoderConfig& config, const std::vector<LayerSums>& sums, UnitKind kind) {
  Scores scores{.kind = kind, .of = {}};
  for (size_t i = 0; i < sums.size(); ++i) {
    const LayerSums& layer = sums[i];
    const std::vector<int32_t>& kv_of_head = config.layers[i].kv_of_head;
    std::vector<double> of_layer(static_cast<size_t>(units_in(config, kind, i)));
    switch (kind) {
      case UnitKind::heads:
        for (size_t head = 0; head < of_layer.size(); ++head) {
          const auto kv = static_cast<size_t>(kv_of_head[head]);
          of_layer[head] = layer.query_head[head] + layer.kv_head[kv];
        }
        break;
      case UnitKind::groups:
        if (of_layer.empty()) break;
        of_layer = layer.kv_head;
        for (size_t head = 0; head < kv_of_head.size(); ++head) {
          of_layer[static_cast<size_t>(kv_of_head[head])] += layer.query_head[head];
        }
        break;
      case UnitKind::neurons: of_layer = layer.neuron; break;
      case UnitKind::layers: of_layer = {layer.all}; break;
      case UnitKind::weights: fail("single weights have no sums");
    }
    of_layer.resize(static_cast<size_t>(units_in(config, kind, i)));
    scores.of.push_back(std::move(of_layer));
  }
  return scores;
}

std::vector<size_t> layer_matrices(const Layout& layout) {
  std::vector<size_t> indexes;
  for (size_t i = 0; i < layout.size(); ++i) {
    if (layout[i].layer >= 0 && layout[i].shape.size() == 2) indexes.push_back(i);
  }
  return indexes;
}

std::shared_ptr<const Model> in_float(const Model& model) {
  constexpr int kFused = 1;
  if (model.dtype() == Dtype::float32) return model.at_level(kFused);
  Weights wide(model.config().layers.size());
  for (const TensorSpec& spec : model.layout()) wide.set(spec, model.wide().at(spec));
  Model::Source source = model.source();
  source.bytes_misaligned = 0;
  return Model::make(model.family(), model.config(), model.layout(), std::move(wide),
                     std::move(source))
      ->at_level(kFused);
}

void observe_data(const Model& model, const ScoringData& data, Observer& observer,
                  const ScoreOptions& options) {
  const int64_t window = data.used.window;
  check_evaluation(model, data.ids, window, kWindowsAtOnce);
  const auto fused = model.at_level(1);
  const auto tokens = static_cast<int64_t>(data.ids.size());
  const std::vector<Window> windows = windows_over(tokens, window, window);
  int64_t done = 0;
  for (const std::span<const Window> batch : batches_of(windows, kWindowsAtOnce)) {
    forward(*fused, window_ids(data.ids, batch), {.last_only = true, .observer = &observer});
    done += static_cast<int64_t>(batch.size());
    if (options.on_progress) options.on_progress(done, static_cast<int64_t>(windows.size()));
  }
}

int64_t for_each_window(const Model& model, const ScoringData& data, const ScoreOptions& options,
                        const std::function<void(const at::Tensor&)>& use) {
  check_evaluation(model, data.ids, data.used.window, 1);
  const auto tokens = static_cast<int64_t>(data.ids.size());
  const std::vector<Window> windows = windows_over(tokens, data.used.window, data.used.window);
  int64_t done = 0;
  for (const Window& window : windows) {
    check_interrupt();
    use(window_ids(data.ids, {&window, 1}));
    ++done;
    if (options.on_progress) options.on_progress(done, static_cast<int64_t>(windows.size()));
  }
  return done;
}

at::Tensor as_tensor(const TensorView& view) {
  return at::from_blob(const_cast<float*>(view.data),
                       at::IntArrayRef(view.shape.data(), view.shape.size()), at::kFloat);
}

}  // namespace crescent
