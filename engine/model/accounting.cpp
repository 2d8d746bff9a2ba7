#include "engine/model/accounting.h"

#include <numeric>

namespace crescent {
namespace {

int64_t& of(PartCounts& counts, Part part) { return counts.by_part[static_cast<size_t>(part)]; }

int64_t elements(const TensorSpec& tensor) {
  return std::accumulate(tensor.shape.begin(), tensor.shape.end(), int64_t{1}, std::multiplies<>());
}

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

}  // namespace crescent
