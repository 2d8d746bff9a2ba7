#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/exec/compiled/run.h"

namespace crescent::compiled {

/// Up to here every thread normalizes all rows for itself: that takes less time than to wait for
/// the others, and the result is still in the thread's own cache when its product reads it.
constexpr int64_t kOwnRows = 8;

/// Of one thread's own norms, in whole cache lines.
int64_t own_floats(const DecoderConfig& config);

/// One walk through a program's steps with some tokens, by all threads of a team: every member
/// function below runs on each of them. A step gives true if the others must wait for what it
/// wrote.
class Chunk {
 public:
  struct Tokens {
    int64_t first, count;  ///< in the pass
  };
  Chunk(Runner& runner, const Program& program, const Pass& pass, Tokens tokens);

  /// @return false if a logit is not finite.
  bool run(Team& team);

 private:
  /// Where a thread is in its walk.
  struct At {
    Rank rank;
    int64_t rows;         ///< that go through the steps
    bool narrow = false;  ///< they are those of the last tokens alone
    bool over = false;    ///< nothing of what follows is wanted
  };
  void walk(const Rank& rank);
  bool run(const AnglesStep& step, const At& at);
  bool run(const EmbedStep& step, const At& at);
  bool run(const NormStep& step, const At& at);
  bool run(const ProductStep& step, const At& at);
  bool run(const GatedStep& step, const At& at);
  bool run(const AttendStep& step, const At& at);
  bool run(const NarrowStep& step, At& at);
  bool run(const HeadStep& step, const At& at);
  bool run(const BeginStep& step, const At& at);
  bool run(const EndStep& step, const At& at);
  bool run(const ShowStep& step, const At& at);
  bool run(const ShowLogitsStep& step, const At& at);
  bool run(const ShowProbabilitiesStep& step, const At& at);
  bool run(const ActivateStep& step, const At& at);
  bool run(const GateStep& step, const At& at);
  bool run(const AddStep& step, const At& at);

  /// Tokens of one sequence.
  struct Sequence {
    int64_t row;       ///< the chunk's row of its first token
    int64_t in_batch;  ///< which
    int64_t from, to;  ///< tokens, in the chunk
  };
  void turn(const AttendStep& step, int64_t kv_head, const Sequence& tokens) const;
  void attend(const AttendStep& step, int64_t head, const Sequence& tokens) const;
  void attend_together(const AttendStep& step, const Rank& rank) const;
  void attend_in_tiles(const AttendStep& step, const Rank& rank) const;
  CacheSide cached(const std::vector<CacheSide>& side, const AttendStep& step, int64_t in_batch,
                   int64_t kv_head) const;
  void remember(const CacheSide& side, const AttendStep& step, const Sequence& tokens,
                int64_t head) const;
  void elementwise(const kernels::Matmul& of_row_zero, int64_t width, const At& at) const;
  void close_spans();

  bool head_is_left_out() const { return pass_.last_only && first_ + tokens_ < pass_tokens_; }
  int64_t head_rows() const { return pass_.last_only ? batch_ : rows_; }
  static bool is_own(int64_t rows) { return rows <= kOwnRows; }
  float* shared(Buffer buffer) const {
    return runner_.arena_.floats() + program_.offsets[static_cast<size_t>(buffer)] * rows_;
  }
  /// Where this thread finds a buffer that holds `rows` rows.
  float* place(Buffer buffer, const Rank& rank, int64_t rows) const {
    if (!program_.is_norm[static_cast<size_t>(buffer)] || !is_own(rows)) return shared(buffer);
    return runner_.arena_.floats() + program_.arena_width * rows_ +
           rank.index * own_floats(config_);
  }
  const LayerSpec& spec(int32_t layer) const { return config_.layers[static_cast<size_t>(layer)]; }
  void show(Site site, int32_t layer, const float* values, std::span<const int64_t> shape) const {
    pass_.observer->tensor(site, layer, {values, shape});
  }

  Runner& runner_;
  const Plan& plan_;
  const DecoderConfig& config_;
  const Program& program_;
  const Pass& pass_;
  const kernels::Kernels& kernels_;
  const int64_t batch_;
  const int64_t pass_tokens_;  // T of the whole pass
  const int64_t first_;        // token of the pass that is the chunk's first
  const int64_t tokens_;       // of the chunk
  const int64_t rows_;         // of the chunk: what its buffers have room for
  const int64_t past_;         // tokens before the chunk
  const kernels::Nonlinearity nonlinearity_;
  std::atomic<bool> finite_{true};

  static constexpr size_t kNesting = 4;
  struct Open {
    Site site;
    int32_t layer;
  };
  std::array<Open, kNesting> open_;  // the caller's spans, outermost first
  size_t opened_ = 0;
};

}  // namespace crescent::compiled
