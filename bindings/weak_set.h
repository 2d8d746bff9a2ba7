#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <vector>

namespace crescent {

/// Things that others own, each once however often it is added. What is gone is forgotten by the
/// time that the set has doubled, so that adding costs a search and no more.
template <class T>
class WeakSet {
 public:
  void add(const std::shared_ptr<T>& thing) {
    things_.insert(thing);
    if (things_.size() < sweep_at_) return;
    sweep();
    sweep_at_ = std::max(kFirstSweep, 2 * things_.size());
  }

  /// Those that live.
  std::vector<std::shared_ptr<T>> living() {
    sweep();
    std::vector<std::shared_ptr<T>> living;
    living.reserve(things_.size());
    for (const auto& thing : things_)
      if (auto held = thing.lock()) living.push_back(std::move(held));
    return living;
  }

  size_t entries() const { return things_.size(); }  ///< dead ones too

  static constexpr size_t kFirstSweep = 32;

 private:
  void sweep() {
    std::erase_if(things_, [](const auto& thing) { return thing.expired(); });
  }

  std::set<std::weak_ptr<T>, std::owner_less<std::weak_ptr<T>>> things_;
  size_t sweep_at_ = kFirstSweep;
};

}  // namespace crescent
