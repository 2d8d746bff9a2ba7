#include "profiler/trace/folded.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "engine/error.h"
#include "engine/formats/safetensors.h"

namespace crescent {
namespace {

/// Sums of parts differ from their whole by rounding alone.
constexpr double kRounding = 1e-9;

std::string frame_of(std::string_view name) {
  std::string frame(name.empty() ? "(unnamed)" : name);
  for (char& c : frame) {
    if (c == ';') c = ',';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return frame;
}

class Folder {
 public:
  explicit Folder(FoldedWeight weight) : weight_(weight) {}

  void add(const ProfileNode& node, const std::string& above) {
    const std::string stack = node.kind == NodeKind::run ? above : below(above, node.name);
    add_line(stack.empty() ? frame_of(node.name) : stack, own(node));
    for (const ProfileNode& child : node.children)
      if (child.kind != NodeKind::self) add(child, stack);
  }

  std::string take() {
    if (text_.empty())
      fail("folded stacks by {}: the profile holds none; time_ns is in every profile",
           name_of(weight_));
    return std::move(text_);
  }

 private:
  static std::string below(const std::string& above, std::string_view name) {
    return above.empty() ? frame_of(name) : above + ";" + frame_of(name);
  }

  /// With all that is below; work that is not defined is none.
  double whole(const ProfileNode& node) const {
    switch (weight_) {
      case FoldedWeight::time_ns: return node.time_ns;
      case FoldedWeight::bytes: return work_of(node, &Work::bytes);
      case FoldedWeight::flops: return work_of(node, &Work::flops);
    }
    return 0;
  }

  static double work_of(const ProfileNode& node, double Work::*figure) {
    if (node.work) return (*node.work).*figure;
    double sum = 0;
    for (const ProfileNode& child : node.children) sum += work_of(child, figure);
    return sum;
  }

  double own(const ProfileNode& node) const {
    const double all = whole(node);
    double inside = 0;
    for (const ProfileNode& child : node.children) {
      const double part = whole(child);
      if (!(part >= 0) || part > all * (1 + kRounding))
        fail("folded stacks by {}: '{}' holds {} and its parent '{}' {}: expected a part of it",
             name_of(weight_), child.name, part, node.name, all);
      if (child.kind != NodeKind::self) inside += part;
    }
    if (inside > all * (1 + kRounding))
      fail("folded stacks by {}: the children of '{}' hold {} together: expected at most its {}",
           name_of(weight_), node.name, inside, all);
    return std::max(all - inside, 0.0);
  }

  /// Rounds the sum so far and writes what it grew by, so that no rounding adds up.
  void add_line(const std::string& stack, double weight) {
    sum_ += weight;
    constexpr double kLargest = 9e18;  // of 64 bits
    if (!(sum_ < kLargest))
      fail("folded stacks by {}: expected a sum below {:g}, found {} at '{}'", name_of(weight_),
           kLargest, sum_, stack);
    const int64_t grown = std::llround(sum_) - written_;
    if (grown <= 0) return;
    written_ += grown;
    text_ += fmt::format("{} {}\n", stack, grown);
  }

  FoldedWeight weight_;
  double sum_ = 0;
  int64_t written_ = 0;
  std::string text_;
};

}  // namespace

const char* name_of(FoldedWeight weight) {
  switch (weight) {
    case FoldedWeight::time_ns: return "time_ns";
    case FoldedWeight::bytes: return "bytes";
    case FoldedWeight::flops: return "flops";
  }
  return "?";
}

std::string folded_stacks(const ProfileNode& root, FoldedWeight weight) {
  Folder folder(weight);
  folder.add(root, "");
  return folder.take();
}

void write_folded_stacks(const std::filesystem::path& path, const ProfileNode& root,
                         FoldedWeight weight) {
  write_file(path, folded_stacks(root, weight));
}

}  // namespace crescent
