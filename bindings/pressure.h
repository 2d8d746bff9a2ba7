#pragma once
#include <cstdint>
#include <functional>
#include <unordered_map>

namespace crescent {

/// Memory that Lua holds and its collector cannot see. Tensors are counted by storage, so that ten
/// views of one tensor weigh as much as one, sessions by what their caches take; when what is held
/// reaches a soft ceiling, the border runs a full collection. If more than 80 % of the ceiling
/// survives one, the ceiling grows, so that a script that needs much isn't collected at every step.
/// (torch7 did the same, from 300 MB.)
class Pressure {
 public:
  static constexpr int64_t kFirstCeilingBytes = int64_t{256} << 20;
  static constexpr double kSurvivors = 0.8;
  static constexpr double kGrowth = 1.4;
  /// What a handle costs below Lua even if it shares its storage: the tensor object, its sizes, its
  /// part of the allocator's rounding. Keeps a million dropped views bounded too.
  static constexpr int64_t kHandleBytes = 320;

  explicit Pressure(int64_t ceiling_bytes = kFirstCeilingBytes) : ceiling_bytes_(ceiling_bytes) {}

  void hold(const void* storage, int64_t bytes);
  void release(const void* storage);
  void hold_session(int64_t bytes);
  void release_session(int64_t bytes);

  int64_t bytes() const { return bytes_; }  ///< of storages that at least one handle holds
  int64_t storages() const { return static_cast<int64_t>(held_.size()); }
  int64_t handles() const { return handles_; }
  int64_t sessions() const { return sessions_; }
  int64_t session_bytes() const { return session_bytes_; }
  int64_t ceiling_bytes() const { return ceiling_bytes_; }

  /// Time for a full collection?
  bool due() const { return weight() > ceiling_bytes_; }
  /// After one: looks at what survived.
  void collected();

 private:
  struct Held {
    int64_t handles, bytes;
  };
  int64_t weight() const { return bytes_ + session_bytes_ + (handles_ + sessions_) * kHandleBytes; }

  std::unordered_map<const void*, Held> held_;
  int64_t bytes_ = 0, handles_ = 0, sessions_ = 0, session_bytes_ = 0, ceiling_bytes_;
};

/// The one of this process: one Lua state, one thread.
Pressure& pressure();

/// What models weigh that Lua holds: asked by crescent.memory(), told by whoever makes models.
struct ModelMemory {
  int64_t models = 0, bytes_stored = 0, bytes_widened = 0, bytes_transposed = 0;
  int64_t bytes_packed = 0, bytes_given_back = 0;
};
void set_model_memory(std::function<ModelMemory()> count);
ModelMemory model_memory();

}  // namespace crescent
