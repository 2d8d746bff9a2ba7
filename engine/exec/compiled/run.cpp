#include "engine/exec/compiled/run.h"

#include <algorithm>

#include "engine/exec/compiled/chunk.h"
#include "engine/interrupt.h"
#include "engine/memory.h"
#include "engine/model/accounting.h"
#include "engine/saturated.h"

namespace crescent::compiled {
Runner::Runner(std::shared_ptr<const Plan> plan, const RunnerShape& shape, std::string_view what)
    : plan_(std::move(plan)), batch_(shape.batch), capacity_(shape.capacity) {
  const DecoderConfig& config = plan_->config;
  cache_bytes_ = crescent::cache_bytes(config, {shape.batch, shape.capacity}, plan_->kv);
  const int64_t rows = std::min(saturated_product({batch_, capacity_}), std::max(batch_, kRowsMax));
  const int64_t arena = floats_for(plan_->program, rows, shape.threads);
  require_memory(saturated_sum(cache_bytes_, saturated_product({arena, int64_t{sizeof(float)}})),
                 what);
  cache_ = HugePages(static_cast<size_t>(cache_bytes_));
  lay_out_cache();
  make_room(plan_->program, rows, shape.threads);
}

/// Scales stand behind all rows, so that rows of whole cache lines begin with one.
void Runner::lay_out_cache() {
  auto* next = static_cast<std::byte*>(cache_.data());
  const auto rows_of = [&](const LayerSpec& layer) {
    return layer.has_attention ? batch_ * layer.kv_heads * capacity_ : 0;
  };
  for (const LayerSpec& layer : plan_->config.layers) {
    for (auto* const side : {&keys_, &values_}) {
      side->push_back({.rows = next});
      next += rows_of(layer) * kernels::row_bytes(plan_->kv, layer.head_dim);
    }
  }
  if (plan_->kv != Width::int8) return;
  auto* scales = reinterpret_cast<float*>(next);
  for (size_t i = 0; i < keys_.size(); ++i) {
    for (auto* const side : {&keys_, &values_}) {
      (*side)[i].scales = scales;
      scales += rows_of(plan_->config.layers[i]);
    }
  }
}

int64_t Runner::floats_for(const Program& program, int64_t rows, int threads) const {
  return saturated_sum(saturated_product({program.arena_width, rows}),
                       own_floats(plan_->config) * threads);
}

void Runner::make_room(const Program& program, int64_t rows, int threads) {
  const int64_t bytes =
      saturated_product({floats_for(program, rows, threads), int64_t{sizeof(float)}});
  if (bytes > arena_bytes()) {
    require_memory(bytes, fmt::format("a pass over {} tokens", rows));
    arena_ = HugePages();  // not both at once
    arena_ = HugePages(static_cast<size_t>(bytes));
  }
  if (rows > static_cast<int64_t>(row_ids_.size())) {
    row_ids_.resize(static_cast<size_t>(rows));
    positions_.resize(static_cast<size_t>(rows));
  }
}

const Program& Runner::program_for(const Pass& pass) {
  if (pass.observer == nullptr) return plan_->program;
  const Taps taps{pass.observer->wanted_tensors(), pass.observer->wanted_spans()};
  if (!taps.any()) return plan_->program;
  if (!watched_ || taps != watched_taps_) {
    watched_ = std::make_unique<Program>(
        make_program(plan_->config, plan_->weights, {.passes = plan_->passes, .taps = taps}));
    watched_taps_ = taps;
  }
  return *watched_;
}

bool Runner::run(Team& team, const Pass& pass) {
  check_interrupt();
  const Program& program = program_for(pass);
  const bool is_watched = &program != &plan_->program;
  const int64_t tokens = static_cast<int64_t>(pass.ids.size()) / batch_;
  const int64_t most = is_watched ? tokens : std::max(int64_t{1}, kRowsMax / batch_);
  make_room(program, batch_ * std::min(tokens, most), team.size());
  if (is_watched && watched_taps_.tensors.has(Site::attention_softmax)) {
    int32_t heads = 0;
    for (const LayerSpec& layer : plan_->config.layers) heads = std::max(heads, layer.heads());
    const int64_t count = saturated_product({batch_, heads, tokens, pass.past + tokens});
    require_memory(saturated_product({count, int64_t{sizeof(float)}}),
                   "showing attention probabilities");
    // Keys behind a query are not written.
    probabilities_.assign(static_cast<size_t>(count), 0.0f);
  }
  bool finite = true;
  for (int64_t first = 0; first < tokens; first += most) {
    Chunk chunk(*this, program, pass, {first, std::min(most, tokens - first)});
    finite &= chunk.run(team);
  }
  return finite;
}

}  // namespace crescent::compiled
