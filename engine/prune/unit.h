#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/layout.h"

namespace crescent {

/// What can be removed from a decoder.
enum class UnitKind {
  heads,    ///< a query head; a key/value head goes with its last reader
  groups,   ///< a key/value head with all query heads that read it
  neurons,  ///< a row of the feed-forward's up (and gate) matrix with its column of down
  layers,   ///< a whole block
  weights,  ///< single numbers, set to zero; nothing shrinks
};
constexpr int kUnitKinds = static_cast<int>(UnitKind::weights) + 1;

const char* name_of(UnitKind kind);      ///< 'heads'
const char* singular_of(UnitKind kind);  ///< 'head'

/// One thing to remove, by its place in the model that it is removed from.
struct Unit {
  UnitKind kind = UnitKind::heads;
  int32_t layer = 0;  ///< from 0
  int32_t index = 0;  ///< from 0; 0 for a layer

  bool operator==(const Unit&) const = default;
  bool operator<(const Unit& other) const {
    return std::tie(kind, layer, index) < std::tie(other.kind, other.layer, other.index);
  }
};

/// How many units of that kind layer `layer` has. Not for weights.
int64_t units_in(const DecoderConfig& config, UnitKind kind, size_t layer);
int64_t units_in(const DecoderConfig& config, UnitKind kind);

/// By what a dimension of a stored tensor is counted.
enum class Axis { fixed, query_heads, kv_heads, qkv_heads, neurons };
/// A matrix maps `in` to `out`, whichever way round it is stored; a bias has `out` alone.
struct Axes {
  Axis out = Axis::fixed, in = Axis::fixed;
};
Axes axes_of(Slot slot);

/// Parameters that go with each unit, by layer, from the layout alone. A head's are its query and
/// output slices; if it is the only one on its key/value head, that one's too.
class UnitSizes {
 public:
  UnitSizes(const DecoderConfig& config, const Layout& layout);
  int64_t of(const Unit& unit) const;
  /// Of a key/value head alone.
  int64_t of_kv_head(size_t layer) const { return layers_[layer].kv_head; }
  int64_t of_query_head(size_t layer) const { return layers_[layer].query_head; }

 private:
  struct Layer {
    int64_t query_head = 0, kv_head = 0, neuron = 0, all = 0;
    std::vector<int32_t> readers;  ///< query heads of each key/value head
    std::vector<int32_t> kv_of_head;
  };
  std::vector<Layer> layers_;
};

/// What stays of one layer: numbers from 0, growing.
struct KeptLayer {
  int32_t layer = 0;
  std::vector<int32_t> heads, kv_heads, neurons;
};

/// @throws Error for a unit that isn't there or is named twice. Weights can't be told so.
std::vector<KeptLayer> kept_without(const DecoderConfig& config, const std::vector<Unit>& removed);

/// The description of what stays: every kv_of_head and origin exact.
DecoderConfig config_of_kept(const DecoderConfig& config, const std::vector<KeptLayer>& kept);

}  // namespace crescent
