#include "profiler/profile.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>

#include "engine/error.h"

namespace crescent {
namespace {

NodeKind kind_of(const Span& span) {
  switch (span.kind) {
    case SpanKind::window: return NodeKind::window;
    case SpanKind::section: return NodeKind::section;
    case SpanKind::profiling: return NodeKind::profiling;
    case SpanKind::site: break;
  }
  switch (depth_of(static_cast<Site>(span.id))) {
    case SiteDepth::layer: return NodeKind::layer;
    case SiteDepth::component: return NodeKind::component;
    case SiteDepth::operation: return NodeKind::operation;
  }
  return NodeKind::component;
}

void add(std::optional<Work>& to, const std::optional<Work>& work) {
  if (!work) return;
  if (!to) to.emplace();
  to->flops += work->flops;
  to->bytes += work->bytes;
}

void add_figures(ProfileNode& to, const ProfileNode& node) {
  to.count += node.count;
  to.time_ns += node.time_ns;
  to.cut += node.cut;
  to.estimated |= node.estimated;
  add(to.work, node.work);
}

void scale(ProfileNode& node, double times, double counts) {
  node.time_ns *= times;
  node.count = std::llround(static_cast<double>(node.count) * counts);
  if (node.work) node.work = {node.work->flops * counts, node.work->bytes * counts};
  node.estimated = true;
  for (ProfileNode& child : node.children) scale(child, times, counts);
}

/// Gives what the children don't account for a node of its own.
void add_self(ProfileNode& node) {
  if (node.children.empty()) return;
  double rest = node.time_ns;
  for (const ProfileNode& child : node.children) rest -= child.time_ns;
  if (rest <= 0) return;
  ProfileNode self;
  self.kind = NodeKind::self;
  self.layer = node.layer;
  self.name = "self";
  self.count = node.count;
  self.time_ns = rest;
  self.estimated = node.children.front().estimated;
  node.children.push_back(std::move(self));
}

/// What a node is worth: its own work, else that of its children.
void sum_work(ProfileNode& node) {
  for (ProfileNode& child : node.children) sum_work(child);
  if (node.work) return;
  for (const ProfileNode& child : node.children) add(node.work, child.work);
}

/// Adds up spans. They are read from the last one back: parents come before their children then,
/// and the way from the root to a span is a stack.
class Builder {
 public:
  Builder(const Recording& recording, const ProfileOptions& options)
      : recording_(recording), options_(options) {}

  ProfileNode build() {
    Draft& root = drafts_.emplace_back();
    root.node.name = "run";
    root.node.count = 1;
    root.node.time_ns = static_cast<double>(recording_.duration_ns);
    for (auto span = recording_.spans.rbegin(); span != recording_.spans.rend(); ++span) {
      while (!path_.empty() && !contains(*path_.back().span, *span)) leave();
      enter(*span);
    }
    while (!path_.empty()) leave();
    ProfileNode tree = finish(root);
    sum_work(tree);
    return tree;
  }

 private:
  /// A node while it grows.
  struct Draft {
    ProfileNode node;
    int64_t first_ns = std::numeric_limits<int64_t>::max();
    /// Of a section: how many of its spans had sites in them, and what those took.
    int64_t seen = 0;
    double seen_ns = 0, seen_profiling_ns = 0, profiling_ns = 0;
    std::vector<Draft*> children;
  };
  struct Step {
    const Span* span;
    Draft* draft;
    bool has_sites = false;
    double profiling_ns = 0;
  };

  bool contains(const Span& parent, const Span& span) const {
    const bool can = rank_of(span) > rank_of(parent) ||
                     (span.kind == SpanKind::window && parent.kind == SpanKind::window);
    if (can && span.begin_ns >= parent.begin_ns) return true;
    if (span.end_ns <= parent.begin_ns || span.duration_ns() == 0) return false;
    fail("spans don't nest: '{}' ({} .. {} ns) and '{}' ({} .. {} ns) overlap",
         name_of(span, recording_), span.begin_ns, span.end_ns, name_of(parent, recording_),
         parent.begin_ns, parent.end_ns);
  }

  /// The profiler's own work is taken out of what it happened in, up to the section.
  void take_out(const Span& span) {
    const auto time_ns = static_cast<double>(span.duration_ns());
    Draft* owner = &drafts_.front();
    for (Step& step : path_) {
      if (step.span->kind == SpanKind::site) {
        step.draft->node.time_ns -= time_ns;
        continue;
      }
      owner = step.draft;
      step.profiling_ns += time_ns;
    }
    Draft& draft = child_of(*owner, span);
    draft.first_ns = std::numeric_limits<int64_t>::max();  // stands behind the others
    ++draft.node.count;
    draft.node.time_ns += time_ns;
  }

  void enter(const Span& span) {
    if (span.kind == SpanKind::profiling) return take_out(span);
    Draft& parent = path_.empty() ? drafts_.front() : *path_.back().draft;
    Draft& draft = child_of(parent, span);
    draft.first_ns = span.begin_ns;
    ++draft.node.count;
    draft.node.cut += span.cut;
    const auto time_ns = static_cast<double>(span.duration_ns());
    draft.node.time_ns += time_ns;
    if (span.kind == SpanKind::site) add(draft.node.work, work_of(span));
    if (span.kind == SpanKind::section && options_.section_work)
      add(draft.node.work, options_.section_work(static_cast<Section>(span.id), span.size));
    if (span.kind == SpanKind::site)
      for (Step& step : path_) step.has_sites = true;
    path_.push_back({&span, &draft});
  }

  void leave() {
    const Step& step = path_.back();
    step.draft->profiling_ns += step.profiling_ns;
    if (step.has_sites) {
      ++step.draft->seen;
      step.draft->seen_ns += static_cast<double>(step.span->duration_ns());
      step.draft->seen_profiling_ns += step.profiling_ns;
    }
    path_.pop_back();
  }

  std::optional<Work> work_of(const Span& span) const {
    if (!options_.work) return std::nullopt;
    for (auto step = path_.rbegin(); step != path_.rend(); ++step)
      if (step->span->kind == SpanKind::section)
        return options_.work(static_cast<Site>(span.id), span.layer,
                             static_cast<Section>(step->span->id), step->span->size);
    return std::nullopt;
  }

  Draft& child_of(Draft& parent, const Span& span) {
    const NodeKind kind = kind_of(span);
    const int16_t layer = kind == NodeKind::profiling ? int16_t{-1} : span.layer;
    for (Draft* child : parent.children)
      if (child->node.kind == kind && child->node.id == span.id && child->node.layer == layer)
        return *child;
    Draft& draft = drafts_.emplace_back();
    draft.node.kind = kind;
    draft.node.id = span.id;
    draft.node.layer = layer;
    draft.node.name = name_of(span, recording_);
    parent.children.push_back(&draft);
    return draft;
  }

  ProfileNode finish(Draft& draft) {
    std::sort(draft.children.begin(), draft.children.end(),
              [](const Draft* a, const Draft* b) { return a->first_ns < b->first_ns; });
    const bool is_part = draft.node.kind == NodeKind::section && draft.seen > 0 &&
                         draft.seen < draft.node.count && options_.every_token > 1;
    for (Draft* child : draft.children) {
      ProfileNode node = finish(*child);
      if (is_part && node.kind != NodeKind::profiling)
        scale(node,
              (draft.node.time_ns - draft.profiling_ns) / (draft.seen_ns - draft.seen_profiling_ns),
              static_cast<double>(draft.node.count) / static_cast<double>(draft.seen));
      draft.node.children.push_back(std::move(node));
    }
    add_self(draft.node);
    return std::move(draft.node);
  }

  const Recording& recording_;
  const ProfileOptions& options_;
  std::deque<Draft> drafts_;
  std::vector<Step> path_;
};

/// Adds a node to the one of its kind and name among `nodes`; of layers all are one.
void merge_layers(std::vector<ProfileNode>& nodes, const ProfileNode& node) {
  const auto same = std::find_if(nodes.begin(), nodes.end(), [&](const ProfileNode& other) {
    return other.kind == node.kind && other.name == node.name;
  });
  if (same == nodes.end()) {
    nodes.push_back(node);
    nodes.back().layer = -1;
    for (ProfileNode& child : nodes.back().children) child.layer = -1;
    return;
  }
  add_figures(*same, node);
  for (const ProfileNode& child : node.children) merge_layers(same->children, child);
}

/// One node for the layers among a section's children. Layers that were not looked into are
/// accounted for by the others: their components are scaled up.
ProfileNode all_layers(const ProfileNode& section, int32_t every_layer) {
  ProfileNode all, seen;
  all.kind = NodeKind::layers;
  all.id = static_cast<uint8_t>(Site::block);
  int64_t count = 0;
  for (const ProfileNode& layer : section.children) {
    if (layer.kind != NodeKind::layer) continue;
    ++count;
    add_figures(all, layer);
    if (layer.layer % every_layer != 0) continue;
    seen.count += layer.count;
    seen.time_ns += layer.time_ns;
    for (const ProfileNode& child : layer.children) merge_layers(seen.children, child);
  }
  all.name = count == 1 ? "1 layer" : fmt::format("{} layers", count);
  if (seen.count < all.count)
    for (ProfileNode& child : seen.children)
      scale(child, all.time_ns / seen.time_ns,
            static_cast<double>(all.count) / static_cast<double>(seen.count));
  // What all layers kept for themselves stands behind what they did.
  std::stable_partition(seen.children.begin(), seen.children.end(),
                        [](const ProfileNode& node) { return node.kind != NodeKind::self; });
  all.children = std::move(seen.children);
  return all;
}

}  // namespace

const char* name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::run: return "run";
    case NodeKind::window: return "window";
    case NodeKind::section: return "section";
    case NodeKind::layers: return "layers";
    case NodeKind::layer: return "layer";
    case NodeKind::component: return "component";
    case NodeKind::operation: return "operation";
    case NodeKind::self: return "self";
    case NodeKind::profiling: return "profiling";
  }
  return "?";
}

const ProfileNode* ProfileNode::child(std::string_view wanted) const {
  for (const ProfileNode& node : children)
    if (node.name == wanted) return &node;
  return nullptr;
}

ProfileNode build_profile(const Recording& recording, const ProfileOptions& options) {
  return Builder(recording, options).build();
}

void add_profile(ProfileNode& to, const ProfileNode& from) {
  add_figures(to, from);
  for (const ProfileNode& child : from.children) {
    const auto same =
        std::find_if(to.children.begin(), to.children.end(), [&](const ProfileNode& other) {
          return other.kind == child.kind && other.name == child.name && other.layer == child.layer;
        });
    if (same == to.children.end()) to.children.push_back(child);
    else add_profile(*same, child);
  }
}

ProfileNode fold_layers(const ProfileNode& tree, int32_t every_layer) {
  ProfileNode folded = tree;
  folded.children.clear();
  bool done = false;
  for (const ProfileNode& child : tree.children) {
    if (child.kind != NodeKind::layer) {
      folded.children.push_back(fold_layers(child, every_layer));
    } else if (!done) {
      folded.children.push_back(all_layers(tree, every_layer));
      done = true;
    }
  }
  return folded;
}

}  // namespace crescent
