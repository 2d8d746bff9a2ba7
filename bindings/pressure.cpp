#include "bindings/pressure.h"

#include <algorithm>
#include <utility>

namespace crescent {
namespace {

std::function<ModelMemory()>& model_counter() {
  static std::function<ModelMemory()> instance;
  return instance;
}

}  // namespace

void Pressure::hold(const void* storage, int64_t bytes) {
  Held& held = held_.try_emplace(storage, Held{0, bytes}).first->second;
  if (held.handles++ == 0) bytes_ += held.bytes;
  ++handles_;
}

void Pressure::release(const void* storage) {
  const auto found = held_.find(storage);
  if (found == held_.end()) return;
  --handles_;
  if (--found->second.handles > 0) return;
  bytes_ -= found->second.bytes;
  held_.erase(found);
}

void Pressure::hold_session(int64_t bytes) {
  ++sessions_;
  session_bytes_ += bytes;
}

void Pressure::release_session(int64_t bytes) {
  --sessions_;
  session_bytes_ -= bytes;
}

void Pressure::collected() {
  const auto survived = static_cast<double>(weight());
  const auto ceiling = static_cast<double>(ceiling_bytes_);
  if (survived <= kSurvivors * ceiling) return;
  ceiling_bytes_ = static_cast<int64_t>(std::max(survived, ceiling) * kGrowth);
}

Pressure& pressure() {
  static Pressure instance;
  return instance;
}

void set_model_memory(std::function<ModelMemory()> count) { model_counter() = std::move(count); }

ModelMemory model_memory() { return model_counter() ? model_counter()() : ModelMemory{}; }

}  // namespace crescent
