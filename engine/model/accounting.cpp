#include "engine/model/accounting.h"

#include <numeric>

#include "engine/saturated.h"

namespace crescent {
namespace {

int64_t& of(PartCounts& counts, Part part) { return counts.by_part[static_cast<size_t>(part)]; }

bool is_embedding_table(const TensorSpec& tensor) {
  return tensor.slot == Slot::token_embedding || tensor.slot == Slot::position_embedding;
}

/// Query, key, value and output products, then scores and their mixture of values.
int64_t attention_flops(const LayerSpec& layer, int64_t d_model, int64_t context) {
  if (!layer.has_attention) return 0;
  const int64_t query = layer.heads() * layer.head_dim;
  const int64_t kv = layer.kv_heads * layer.head_dim;
  const int64_t products = d_model * (2 * query + 2 * kv);
  const int64_t over_context = 2 * query * context;
  return 2 * (products + over_context);
}

int64_t ffn_flops(const LayerSpec& layer, const DecoderConfig& config) {
  if (!layer.has_ffn) return 0;
  const int64_t matrices = config.gated_ffn ? 3 : 2;
  return 2 * matrices * config.d_model * layer.ffn_width;
}

struct Product {
  MatrixShape matrix;
  bool bias;
  Width width;
};
/// y = x W for `rows` rows of x, the matrix read once.
Work work_of(int64_t rows, const Product& product) {
  const auto [out, in] = product.matrix;
  const int64_t biases = product.bias ? out * int64_t{sizeof(float)} : 0;
  return {2.0 * static_cast<double>(rows) * static_cast<double>(in * out),
          static_cast<double>(stored_bytes(product.matrix, product.width) + biases)};
}

Work attention_work(const DecoderConfig& config, const LayerSpec& layer, Site site,
                    SectionSize size, const Storage& storage) {
  const Width width = storage.weights;
  const int64_t rows = size.tokens, keys = int64_t{size.past} + size.tokens;
  const int64_t query = layer.heads() * layer.head_dim, kv = layer.kv_heads * layer.head_dim;
  // One of the two products over the context, and its half of the cache.
  const Work half{
      2.0 * static_cast<double>(rows * query * keys),
      static_cast<double>(keys * layer.kv_heads * cached_bytes(layer.head_dim, storage.kv))};
  switch (site) {
    case Site::qkv:
      return work_of(rows, {{query + 2 * kv, config.d_model}, config.qkv_bias, width});
    case Site::attention: return {2 * half.flops, 2 * half.bytes};
    case Site::attention_output:
      return work_of(rows, {{config.d_model, query}, config.attention_output_bias, width});
    case Site::attention_scores:
    case Site::attention_value: return half;
    default: return {};
  }
}

}  // namespace

const char* name_of(Part part) {
  switch (part) {
    case Part::embedding: return "embedding";
    case Part::positions: return "positions";
    case Part::norm: return "norm";
    case Part::attention: return "attention";
    case Part::ffn: return "ffn";
    case Part::head: return "head";
  }
  return "";
}

int64_t PartCounts::total() const {
  return std::accumulate(by_part.begin(), by_part.end(), int64_t{0});
}

int64_t elements(const TensorSpec& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
}

int64_t cache_elements(const DecoderConfig& config, const CacheShape& shape) {
  int64_t of_token = 0;
  for (const LayerSpec& layer : config.layers)
    if (layer.has_attention) of_token += 2 * layer.kv_heads * layer.head_dim;
  return saturated_product({of_token, shape.batch, shape.capacity});
}

int64_t cache_bytes(const DecoderConfig& config, const CacheShape& shape, Width width) {
  int64_t of_token = 0;
  for (const LayerSpec& layer : config.layers)
    if (layer.has_attention) of_token += 2 * layer.kv_heads * cached_bytes(layer.head_dim, width);
  return saturated_product({of_token, shape.batch, shape.capacity});
}

PartCounts parameters(const Layout& layout) {
  PartCounts counts;
  for (const TensorSpec& tensor : layout) of(counts, tensor.part) += elements(tensor);
  return counts;
}

PartCounts flops_per_token(const DecoderConfig& config, int64_t context) {
  PartCounts counts;
  for (const LayerSpec& layer : config.layers) {
    of(counts, Part::attention) += attention_flops(layer, config.d_model, context);
    of(counts, Part::ffn) += ffn_flops(layer, config);
  }
  of(counts, Part::head) = 2 * config.vocab * config.d_model;
  return counts;
}

int64_t elements_read_per_token(const DecoderConfig& config, const Layout& layout) {
  int64_t read = config.tied_head ? config.vocab * config.d_model : 0;  // the table, used as head
  for (const TensorSpec& tensor : layout) {
    read += is_embedding_table(tensor) ? tensor.shape.back() : elements(tensor);
  }
  return read;
}

int64_t bytes_read_per_token(const DecoderConfig& config, const Layout& layout,
                             const Storage& storage) {
  int64_t bytes = 0;
  for (const TensorSpec& spec : layout) {
    const Width width = width_of(spec, config.tied_head, storage);
    if (is_embedding_table(spec)) bytes += stored_bytes({1, spec.shape.back()}, width);
    if (is_matrix(spec, config.tied_head)) bytes += stored_bytes(matrix_shape(spec), width);
    else if (!is_embedding_table(spec)) bytes += elements(spec) * int64_t{sizeof(float)};
  }
  return bytes;
}

std::optional<Work> work_at(const DecoderConfig& config, Site site, int32_t layer, SectionSize size,
                            const Storage& storage) {
  const int64_t rows = size.tokens, width = config.d_model;
  const auto spec = [&]() -> const LayerSpec& {
    return config.layers.at(static_cast<size_t>(layer));
  };
  switch (site) {
    case Site::embedding: {
      int64_t bytes = stored_bytes({rows, width}, config.tied_head ? storage.head : Width::fp32);
      if (config.positions == PositionKind::learned)
        bytes += stored_bytes({rows, width}, Width::fp32);
      return Work{0, static_cast<double>(bytes)};
    }
    case Site::qkv:
    case Site::attention:
    case Site::attention_scores:
    case Site::attention_value:
    case Site::attention_output: return attention_work(config, spec(), site, size, storage);
    case Site::ffn_gate_product:
    case Site::ffn_up_product:
      return work_of(rows, {{spec().ffn_width, width}, config.ffn_bias, storage.weights});
    case Site::ffn_up: {
      Work work = work_of(rows, {{spec().ffn_width, width}, config.ffn_bias, storage.weights});
      if (config.gated_ffn) work = {2 * work.flops, 2 * work.bytes};
      return work;
    }
    case Site::ffn_down:
      return work_of(rows, {{width, spec().ffn_width}, config.ffn_bias, storage.weights});
    case Site::head: return work_of(size.logits, {{config.vocab, width}, false, storage.head});
    default: return std::nullopt;
  }
}

Work work_of_pass(const DecoderConfig& config, SectionSize size, const Storage& storage) {
  Work sum;
  for (int i = 0; i < kSites; ++i) {
    const auto site = static_cast<Site>(i);
    if (depth_of(site) != SiteDepth::component) continue;
    const bool once = site == Site::embedding || site == Site::final_norm || site == Site::head;
    for (size_t layer = 0; layer < (once ? 1 : config.layers.size()); ++layer) {
      const auto work = work_at(config, site, static_cast<int32_t>(layer), size, storage);
      if (!work) break;
      sum.flops += work->flops;
      sum.bytes += work->bytes;
    }
  }
  return sum;
}

}  // namespace crescent
