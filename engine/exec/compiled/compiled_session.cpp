#include "engine/exec/compiled/compiled_session.h"

#include <ATen/ops/empty.h>

#include "engine/error.h"
#include "engine/exec/checks.h"
#include "engine/exec/compiled/run.h"
#include "engine/exec/finite.h"
#include "engine/exec/openmp_team.h"
#include "engine/exec/session_base.h"
#include "engine/threads.h"

namespace crescent {
namespace {

using compiled::Pass;
using compiled::Runner;

/// As many threads as are asked for now.
class TeamOfNow {
 public:
  Team& get() {
    if (!team_ || team_->size() != threads()) team_ = make_openmp_team(threads());
    return *team_;
  }

 private:
  std::unique_ptr<Team> team_;
};

/// Runs a pass whose logits have room already.
/// @throws Error naming the first place where a number was not finite.
void run_checked(Runner& runner, Team& team, const Pass& pass, const at::Tensor& logits,
                 const DecoderConfig& config) {
  if (runner.run(team, pass)) return;
  require_finite(logits, config, [&](Observer* look) {
    Pass again = pass;
    again.observer = look;
    runner.run(team, again);
  });
}

class CompiledSession final : public SessionBase {
 public:
  CompiledSession(const std::shared_ptr<const Model>& model, int64_t batch, int64_t capacity)
      : SessionBase(model, batch, capacity),
        runner_(model->plan(), {.batch = batch, .capacity = capacity, .threads = threads()},
                fmt::format("a session of {} x {} tokens", batch, capacity)) {
    if (batch == 1) wide_ids_.reserve(static_cast<size_t>(capacity));
  }

  at::Tensor feed(const at::Tensor& ids, const ForwardOptions& options) override {
    check_ids(model(), ids);
    check_fits({ids.size(0), ids.size(1)});
    const at::Tensor plain = ids.contiguous();
    return run({plain.data_ptr<int64_t>(), static_cast<size_t>(plain.numel())}, options);
  }

  at::Tensor feed(std::span<const int32_t> ids, const ForwardOptions& options) override {
    check_ids(model(), ids);
    check_fits({1, static_cast<int64_t>(ids.size())});
    wide_ids_.assign(ids.begin(), ids.end());
    return run(wide_ids_, options);
  }

  int64_t bytes() const override { return runner_.cache_bytes(); }
  int64_t arena_bytes() const override { return runner_.arena_bytes(); }

 private:
  at::Tensor run(std::span<const int64_t> ids, const ForwardOptions& options) {
    const int64_t tokens = static_cast<int64_t>(ids.size()) / batch();
    const at::Tensor logits = room_for_logits(options.last_only ? 1 : tokens);
    run_checked(runner_, team_.get(),
                {.ids = ids,
                 .past = length(),
                 .last_only = options.last_only,
                 .logits = logits.data_ptr<float>(),
                 .observer = options.observer},
                logits, model().config());
    append(ids.first(static_cast<size_t>(tokens)));
    return logits;
  }

  /// (B, rows, V). That of the last step, if nobody else holds it or a view of it.
  at::Tensor room_for_logits(int64_t rows) {
    const int64_t vocab = model().config().vocab;
    if (rows > 1) return at::empty({batch(), rows, vocab}, at::kFloat);
    const bool is_free =
        logits_.defined() && logits_.use_count() == 1 && logits_.storage().use_count() == 1;
    if (!is_free) logits_ = at::empty({batch(), rows, vocab}, at::kFloat);
    return logits_;
  }

  void truncated(int64_t) override {}
  void appended(int64_t) override {}

  Runner runner_;
  TeamOfNow team_;
  std::vector<int64_t> wide_ids_;
  at::Tensor logits_;  // (B, 1, V)
};

}  // namespace

std::unique_ptr<Session> open_compiled_session(std::shared_ptr<const Model> model, int64_t batch,
                                               int64_t capacity) {
  return std::make_unique<CompiledSession>(model, batch, capacity);
}

at::Tensor compiled_forward(const Model& model, const at::Tensor& ids,
                            const ForwardOptions& options) {
  const DecoderConfig& config = model.config();
  const int64_t batch = ids.size(0), tokens = ids.size(1);
  const at::Tensor plain = ids.contiguous();
  TeamOfNow team;
  Runner runner(model.plan(), {.batch = batch, .capacity = tokens, .threads = threads()},
                fmt::format("a forward pass over {} x {} tokens", batch, tokens));
  const at::Tensor logits =
      at::empty({batch, options.last_only ? 1 : tokens, config.vocab}, at::kFloat);
  run_checked(runner, team.get(),
              {.ids = {plain.data_ptr<int64_t>(), static_cast<size_t>(plain.numel())},
               .last_only = options.last_only,
               .logits = logits.data_ptr<float>(),
               .observer = options.observer},
              logits, config);
  return logits;
}

}  // namespace crescent
