#include "profiler/trace/span_tree.h"

#include <algorithm>

#include "engine/error.h"

namespace crescent {
namespace {

/// The profiler's own work stands as deep as an operation.
SpanDepth depth_of(const Span& span) {
  return static_cast<SpanDepth>(std::min(rank_of(span), static_cast<int>(SpanDepth::operation)));
}

void check_known(const Recording& recording, const Span& span) {
  if (span.kind == SpanKind::window && span.id >= recording.windows.size())
    fail("trace: window {}: expected one of the recording's {} names", span.id,
         recording.windows.size());
  if (span.kind == SpanKind::section && span.id >= kSections)
    fail("trace: section {}: expected one below {}", span.id, kSections);
  if (span.kind == SpanKind::site && span.id >= kSites)
    fail("trace: site {}: expected one below {}", span.id, kSites);
}

/// "span 3 'scores' (120 .. 340 ns)"; spans count from 0, as in the list.
std::string described(const Recording& recording, size_t i) {
  const Span& span = recording.spans[i];
  return fmt::format("span {} '{}' ({} .. {} ns)", i, span_name(recording, span), span.begin_ns,
                     span.end_ns);
}

void check_order(const Recording& recording, size_t i) {
  const Span& span = recording.spans[i];
  check_known(recording, span);
  if (span.end_ns < span.begin_ns)
    fail("trace: {}: expected an end that is not before its begin", described(recording, i));
  if (span.begin_ns < 0 || span.end_ns > recording.duration_ns)
    fail("trace: {} leaves the recording, which lasts from 0 to {} ns", described(recording, i),
         recording.duration_ns);
  if (i > 0 && span.end_ns < recording.spans[i - 1].end_ns)
    fail("trace: {}: expected spans in the order of their ends, found it behind {}",
         described(recording, i), described(recording, i - 1));
}

/// `earlier` ended before `later` did, or at the same moment: is it inside?
bool is_inside(const Span& earlier, const Span& later) {
  if (earlier.begin_ns < later.begin_ns) return false;
  // An empty span on the border belongs to either; what stands deeper belongs inside.
  if (earlier.end_ns == later.begin_ns) return depth_of(earlier) > depth_of(later);
  return true;
}

[[noreturn]] void refuse_overlap(const Recording& recording, size_t earlier, size_t later) {
  const bool is_child = depth_of(recording.spans[earlier]) > depth_of(recording.spans[later]);
  fail("trace: {} leaves its parent, {}", described(recording, is_child ? earlier : later),
       described(recording, is_child ? later : earlier));
}

std::vector<size_t> find_parents(const Recording& recording) {
  std::vector<size_t> parent(recording.spans.size(), SpanTree::kNone);
  std::vector<size_t> open;  // spans that have no parent yet, by their ends
  for (size_t i = 0; i < recording.spans.size(); ++i) {
    check_order(recording, i);
    const Span& span = recording.spans[i];
    while (!open.empty() && is_inside(recording.spans[open.back()], span)) {
      parent[open.back()] = i;
      open.pop_back();
    }
    if (!open.empty() && recording.spans[open.back()].end_ns > span.begin_ns)
      refuse_overlap(recording, open.back(), i);
    open.push_back(i);
  }
  return parent;
}

std::vector<size_t> order_parents_first(const std::vector<size_t>& parent) {
  constexpr size_t kNone = SpanTree::kNone;
  const size_t count = parent.size();
  std::vector<size_t> first_child(count, kNone), next(count, kNone), order;
  order.reserve(count);
  size_t first_root = kNone;
  for (size_t i = count; i-- > 0;) {
    size_t& first = parent[i] == kNone ? first_root : first_child[parent[i]];
    next[i] = first;
    first = i;
  }
  for (size_t at = first_root; at != kNone;) {
    order.push_back(at);
    if (first_child[at] != kNone) {
      at = first_child[at];
      continue;
    }
    while (at != kNone && next[at] == kNone) at = parent[at];
    if (at != kNone) at = next[at];
  }
  return order;
}

}  // namespace

std::string span_name(const Recording& recording, const Span& span) {
  check_known(recording, span);
  return name_of(span, recording);
}

SpanTree span_tree(const Recording& recording) {
  SpanTree tree;
  tree.parent = find_parents(recording);
  tree.parents_first = order_parents_first(tree.parent);
  tree.depth.resize(recording.spans.size());
  for (const size_t i : tree.parents_first) {
    tree.depth[i] = depth_of(recording.spans[i]);
    if (recording.spans[i].kind != SpanKind::profiling) continue;
    const size_t parent = tree.parent[i];
    const int below = parent == SpanTree::kNone ? 0 : static_cast<int>(tree.depth[parent]) + 1;
    tree.depth[i] = static_cast<SpanDepth>(std::min(below, static_cast<int>(SpanDepth::operation)));
  }
  return tree;
}

}  // namespace crescent
