#include "engine/prune/selection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include "engine/error.h"
#include "engine/model/accounting.h"

namespace crescent {
namespace {

/// What has been chosen so far, and what may still be.
class Selection {
 public:
  Selection(const DecoderConfig& config, const Layout& layout, const SelectOptions& options)
      : config_(config), options_(options), sizes_(config, layout) {
    for (const LayerSpec& spec : config.layers) {
      Layer layer;
      layer.heads_left = spec.heads();
      layer.neurons_left = spec.ffn_width;
      layer.readers.assign(static_cast<size_t>(spec.kv_heads), 0);
      for (const int32_t kv : spec.kv_of_head) ++layer.readers[static_cast<size_t>(kv)];
      layer.head_is_gone.assign(spec.kv_of_head.size(), false);
      layers_.push_back(std::move(layer));
    }
    layers_left_ = static_cast<int64_t>(config.layers.size());
  }

  bool is_protected(int32_t layer) const {
    return std::find(options_.protected_layers.begin(), options_.protected_layers.end(), layer) !=
           options_.protected_layers.end();
  }

  /// Does it go already, with its group or its layer?
  bool is_gone(const Unit& unit) const {
    const Layer& layer = layers_[static_cast<size_t>(unit.layer)];
    if (layer.is_gone) return true;
    const auto index = static_cast<size_t>(unit.index);
    if (unit.kind == UnitKind::heads) return layer.head_is_gone[index];
    return unit.kind == UnitKind::groups && layer.readers[index] == 0;
  }

  /// Takes the unit if that is allowed; counts what really goes with it. What was chosen inside it
  /// is no longer a choice of its own.
  bool take(const ScoredUnit& candidate) {
    const Unit& unit = candidate.unit;
    Layer& layer = layers_[static_cast<size_t>(unit.layer)];
    if (is_protected(unit.layer) || is_gone(unit)) return false;
    switch (unit.kind) {
      case UnitKind::layers:
        if (layers_left_ == 1) return false;
        --layers_left_;
        layer.is_gone = true;
        removed_ += sizes_.of(unit) - layer.removed;
        forget([&](const Unit& chosen) { return chosen.layer == unit.layer; });
        break;
      case UnitKind::neurons:
        --layer.neurons_left;
        count_removed(layer, candidate.parameters);
        break;
      case UnitKind::heads: {
        if (layer.heads_left - 1 < options_.keep_heads_min) return false;
        remove_head(unit.layer, static_cast<size_t>(unit.index));
        break;
      }
      case UnitKind::groups: {
        const LayerSpec& spec = config_.layers[static_cast<size_t>(unit.layer)];
        std::vector<size_t> heads;
        for (size_t h = 0; h < spec.kv_of_head.size(); ++h) {
          if (spec.kv_of_head[h] == unit.index && !layer.head_is_gone[h]) heads.push_back(h);
        }
        const auto is_in_it = [&](const Unit& chosen) {
          return chosen.kind == UnitKind::heads && chosen.layer == unit.layer &&
                 spec.kv_of_head[static_cast<size_t>(chosen.index)] == unit.index;
        };
        if (layer.heads_left - static_cast<int64_t>(heads.size()) < options_.keep_heads_min) {
          return false;
        }
        for (const size_t head : heads) remove_head(unit.layer, head);
        forget(is_in_it);
        break;
      }
      case UnitKind::weights: return false;
    }
    chosen_.push_back(candidate);
    ++chosen_of_[static_cast<size_t>(unit.kind)];
    return true;
  }

  int64_t chosen_of(UnitKind kind) const { return chosen_of_[static_cast<size_t>(kind)]; }
  int64_t parameters_removed() const { return removed_; }
  const UnitSizes& sizes() const { return sizes_; }
  std::vector<ScoredUnit> chosen() && { return std::move(chosen_); }

 private:
  struct Layer {
    bool is_gone = false;
    int64_t heads_left = 0, neurons_left = 0;
    int64_t removed = 0;  ///< parameters of single heads and neurons
    std::vector<int32_t> readers;
    std::vector<bool> head_is_gone;
  };

  template <class IsInside>
  void forget(IsInside is_inside) {
    std::erase_if(chosen_, [&](const ScoredUnit& c) {
      const bool inside = is_inside(c.unit);
      if (inside) --chosen_of_[static_cast<size_t>(c.unit.kind)];
      return inside;
    });
  }

  void count_removed(Layer& layer, int64_t parameters) {
    layer.removed += parameters;
    removed_ += parameters;
  }

  void remove_head(int32_t index, size_t head) {
    Layer& layer = layers_[static_cast<size_t>(index)];
    layer.head_is_gone[head] = true;
    --layer.heads_left;
    const int32_t kv = config_.layers[static_cast<size_t>(index)].kv_of_head[head];
    const bool was_last = --layer.readers[static_cast<size_t>(kv)] == 0;
    const auto at = static_cast<size_t>(index);
    count_removed(layer, sizes_.of_query_head(at) + (was_last ? sizes_.of_kv_head(at) : 0));
  }

  const DecoderConfig& config_;
  const SelectOptions& options_;
  UnitSizes sizes_;
  std::vector<Layer> layers_;
  int64_t layers_left_ = 0, removed_ = 0;
  std::vector<ScoredUnit> chosen_;
  std::array<int64_t, kUnitKinds> chosen_of_{};
};

void check_scores(const DecoderConfig& config, const Scores& scores) {
  if (scores.of.size() != config.layers.size()) {
    fail("scores: expected {} layers, got {}", config.layers.size(), scores.of.size());
  }
  for (size_t i = 0; i < scores.of.size(); ++i) {
    const auto units = static_cast<size_t>(units_in(config, scores.kind, i));
    if (scores.of[i].size() != units) {
      fail("scores: expected {} {} in layer {}, got {}", units, name_of(scores.kind), i + 1,
           scores.of[i].size());
    }
    for (size_t u = 0; u < units; ++u) {
      if (std::isnan(scores.of[i][u])) {
        fail("scores: {} {} of layer {} is not a number", singular_of(scores.kind), u + 1, i + 1);
      }
    }
  }
}

using Candidates = std::vector<ScoredUnit>;

Candidates candidates_of(const Scores& scores, const Selection& selection) {
  Candidates candidates;
  for (size_t layer = 0; layer < scores.of.size(); ++layer) {
    for (size_t unit = 0; unit < scores.of[layer].size(); ++unit) {
      const Unit it{scores.kind, static_cast<int32_t>(layer), static_cast<int32_t>(unit)};
      candidates.push_back({it, scores.of[layer][unit], selection.sizes().of(it)});
    }
  }
  return candidates;
}

void rank(Candidates& candidates, bool per_parameter) {
  const auto key = [per_parameter](const ScoredUnit& c) {
    return per_parameter ? c.score / static_cast<double>(std::max<int64_t>(1, c.parameters))
                         : c.score;
  };
  std::sort(candidates.begin(), candidates.end(), [&](const ScoredUnit& a, const ScoredUnit& b) {
    const double key_a = key(a), key_b = key(b);
    return std::tie(key_a, a.unit) < std::tie(key_b, b.unit);
  });
}

/// Takes the first that may go until `count` of their kinds are chosen. A layer that goes after
/// some of its heads counts instead of them. @throws Error if there are fewer.
void take_count(Selection& selection, const Candidates& ranked, int64_t count,
                std::string_view place) {
  std::set<UnitKind> kinds;
  for (const ScoredUnit& candidate : ranked) kinds.insert(candidate.unit.kind);
  const auto chosen = [&] {
    int64_t units = 0;
    for (const UnitKind kind : kinds) units += selection.chosen_of(kind);
    return units;
  };
  const int64_t before = chosen();
  for (const ScoredUnit& candidate : ranked) {
    if (chosen() - before == count) return;
    selection.take(candidate);
  }
  if (const int64_t taken = chosen() - before; taken < count) {
    fail(
        "{} of {} {}{} were to go, only {} may: look at keep_heads_min, protect_layers and the "
        "last layer, which stays",
        count, ranked.size(), kinds.size() == 1 ? name_of(*kinds.begin()) : "units", place, taken);
  }
}

int64_t share_of(double ratio, size_t count) {
  return static_cast<int64_t>(std::llround(ratio * static_cast<double>(count)));
}

/// Calls take(candidates, place) for each layer by itself, or once for all.
template <class Take>
void for_each_pool(const Candidates& all, const Selection& selection, bool per_layer, Take take) {
  if (!per_layer) return take(all, std::string());
  std::map<int32_t, Candidates> by_layer;
  for (const ScoredUnit& c : all) by_layer[c.unit.layer].push_back(c);
  for (const auto& [layer, candidates] : by_layer) {
    if (selection.is_protected(layer)) continue;
    take(candidates, fmt::format(" of layer {}", layer + 1));
  }
}

/// Of all units of these kinds together; what two kinds share counts once.
int64_t parameters_in(const DecoderConfig& config, const std::vector<Scores>& scores,
                      const UnitSizes& sizes) {
  const auto has = [&](UnitKind kind) {
    return std::any_of(scores.begin(), scores.end(),
                       [kind](const Scores& s) { return s.kind == kind; });
  };
  int64_t parameters = 0;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    const auto layer = static_cast<int32_t>(i);
    if (has(UnitKind::layers)) {
      parameters += sizes.of({UnitKind::layers, layer, 0});
      continue;
    }
    const LayerSpec& spec = config.layers[i];
    if (has(UnitKind::heads) || has(UnitKind::groups)) {
      parameters += spec.heads() * sizes.of_query_head(i) + spec.kv_heads * sizes.of_kv_head(i);
    }
    if (has(UnitKind::neurons)) {
      parameters += spec.ffn_width * sizes.of({UnitKind::neurons, layer, 0});
    }
  }
  return parameters;
}

void take_list(Selection& selection, const DecoderConfig& config, const Candidates& all,
               const std::vector<Unit>& list) {
  kept_without(config, list);  // that all are there, once
  for (const Unit& unit : list) {
    if (selection.is_protected(unit.layer)) {
      fail("layer {} is protected and can't lose {} {}", unit.layer + 1, singular_of(unit.kind),
           unit.index + 1);
    }
    if (selection.is_gone(unit)) continue;  // with its layer or group, listed before it
    const auto scored =
        std::find_if(all.begin(), all.end(), [&](const ScoredUnit& c) { return c.unit == unit; });
    const ScoredUnit candidate =
        scored != all.end() ? *scored : ScoredUnit{unit, 0, selection.sizes().of(unit)};
    if (selection.take(candidate)) continue;
    if (unit.kind == UnitKind::layers) fail("no layer would be left");
    fail("layer {} would keep fewer heads than keep_heads_min; 0 allows a layer without heads",
         unit.layer + 1);
  }
}

}  // namespace

std::vector<ScoredUnit> select(const DecoderConfig& config, const Layout& layout,
                               const std::vector<Scores>& scores, const SelectOptions& options) {
  Selection selection(config, layout, options);
  const Budget& budget = options.budget;
  Candidates all;
  for (const Scores& of_kind : scores) {
    check_scores(config, of_kind);
    Candidates candidates = candidates_of(of_kind, selection);
    const auto ratio = budget.ratio.find(of_kind.kind);
    if (ratio != budget.ratio.end()) {
      rank(candidates, false);
      for_each_pool(candidates, selection, options.per_layer,
                    [&](const Candidates& pool, const std::string& place) {
                      take_count(selection, pool, share_of(ratio->second, pool.size()), place);
                    });
    }
    all.insert(all.end(), candidates.begin(), candidates.end());
  }
  rank(all, scores.size() > 1);

  if (budget.list) take_list(selection, config, all, *budget.list);
  if (budget.count) {
    for_each_pool(all, selection, options.per_layer,
                  [&](const Candidates& pool, const std::string& place) {
                    take_count(selection, pool, *budget.count, place);
                  });
  }

  std::optional<int64_t> to_remove;
  const int64_t before = parameters(layout).total();
  if (budget.params_max) to_remove = before - *budget.params_max;
  if (budget.bytes_max) {
    const auto affordable = static_cast<int64_t>(
        std::floor(static_cast<double>(*budget.bytes_max) / options.bytes_per_parameter));
    to_remove = before - affordable;
  }
  if (budget.ratio_of_all) {
    const int64_t in_units = parameters_in(config, scores, selection.sizes());
    to_remove = share_of(*budget.ratio_of_all, static_cast<size_t>(in_units));
  }
  if (to_remove) {
    for (const ScoredUnit& candidate : all) {
      if (selection.parameters_removed() >= *to_remove) break;
      selection.take(candidate);
    }
    if (selection.parameters_removed() < *to_remove) {
      fail(
          "{} parameters were to go, only {} may: name more kinds of units, or look at "
          "keep_heads_min and protect_layers",
          *to_remove, selection.parameters_removed());
    }
  }
  return std::move(selection).chosen();
}

}  // namespace crescent
