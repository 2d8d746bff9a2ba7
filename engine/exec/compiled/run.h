#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engine/exec/compiled/plan.h"
#include "engine/kernels/kernels.h"
#include "engine/observe.h"
#include "engine/team.h"

namespace crescent::compiled {

struct RunnerShape {
  int64_t batch = 1;     ///< sequences side by side, at least 1
  int64_t capacity = 0;  ///< most tokens of each
  int threads = 1;
};

/// A layer's keys or values: [B][K][capacity] rows of D numbers, as wide as the plan says.
struct CacheSide {
  std::byte* rows = nullptr;
  float* scales = nullptr;  ///< a row's; int8 only
};

/// New tokens behind those that a runner holds.
struct Pass {
  std::span<const int64_t> ids;  ///< (B, T), inside the vocabulary
  int64_t past = 0;              ///< tokens held; past + T is at most the capacity
  bool last_only = false;
  float* logits = nullptr;  ///< (B, T, V), or (B, 1, V)
  Observer* observer = nullptr;
};

/// What a sequence (or a batch of equally long ones) needs to be run by a plan: the cache of keys
/// and values, and the arena that its steps work in. All memory is taken when it is made: a pass
/// takes none, unless an observer watches it or there are more threads than before.
class Runner {
 public:
  /// @param what  for the message: 'a session of 1 x 512 tokens'
  /// @throws OutOfMemory before anything is taken.
  Runner(std::shared_ptr<const Plan> plan, const RunnerShape& shape, std::string_view what);

  /// Writes the cache's positions past .. past + T - 1 and none before them.
  /// @return false if a logit is not finite.
  /// @throws Interrupted, and what the observer throws.
  bool run(Team& team, const Pass& pass);

  int64_t cache_bytes() const { return cache_bytes_; }
  int64_t arena_bytes() const { return static_cast<int64_t>(arena_.bytes()); }

  /// Most rows that go through the steps at once: more would not be faster, and what lies between
  /// the steps should stay in the last cache. What an observer watches goes through in one piece.
  static constexpr int64_t kRowsMax = 512;

 private:
  friend class Chunk;
  int64_t floats_for(const Program& program, int64_t rows, int threads) const;
  void lay_out_cache();
  void make_room(const Program& program, int64_t rows, int threads);
  const Program& program_for(const Pass& pass);

  std::shared_ptr<const Plan> plan_;
  int64_t batch_, capacity_, cache_bytes_;
  HugePages cache_;                           // rows, layer by layer and keys first, then scales
  std::vector<CacheSide> keys_, values_;      // of each layer
  HugePages arena_;                           // a program's buffers, then the threads' own norms
  std::vector<int64_t> row_ids_, positions_;  // of each row of a chunk
  Taps watched_taps_;
  std::unique_ptr<const Program> watched_;  // for the taps of the last pass that was watched
  std::vector<float> probabilities_;        // (B, H, T, S) of one layer, for an observer
};

}  // namespace crescent::compiled
