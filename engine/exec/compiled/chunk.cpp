#include "engine/exec/compiled/chunk.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/error.h"
#include "engine/exec/all_finite.h"
#include "engine/interrupt.h"

namespace crescent::compiled {
namespace {

using kernels::Nonlinearity;

/// Up to here a thread that turns a key/value head's keys also attends for its queries.
constexpr int64_t kTogetherTokens = 8;

Nonlinearity nonlinearity_of(Activation activation) {
  switch (activation) {
    case Activation::relu: return Nonlinearity::relu;
    case Activation::gelu: return Nonlinearity::gelu;
    case Activation::gelu_tanh: return Nonlinearity::gelu_tanh;
    case Activation::silu: return Nonlinearity::silu;
  }
  fail("activation number {} is unknown", static_cast<int>(activation));
}

}  // namespace

int64_t own_floats(const DecoderConfig& config) {
  constexpr int64_t kLine = 16;
  return kOwnRows * ((config.d_model + kLine - 1) / kLine * kLine);
}

Chunk::Chunk(Runner& runner, const Program& program, const Pass& pass, Tokens tokens)
    : runner_(runner),
      plan_(*runner.plan_),
      config_(plan_.config),
      program_(program),
      pass_(pass),
      kernels_(kernels::kernels()),
      batch_(runner.batch_),
      pass_tokens_(static_cast<int64_t>(pass.ids.size()) / batch_),
      first_(tokens.first),
      tokens_(tokens.count),
      rows_(batch_ * tokens.count),
      past_(pass.past + tokens.first),
      nonlinearity_(nonlinearity_of(config_.activation)) {}

bool Chunk::run(Team& team) {
  for (int64_t b = 0; b < batch_; ++b) {
    for (int64_t t = 0; t < tokens_; ++t) {
      const auto row = static_cast<size_t>(b * tokens_ + t);
      runner_.row_ids_[row] = pass_.ids[static_cast<size_t>(b * pass_tokens_ + first_ + t)];
      runner_.positions_[row] = past_ + t;
    }
  }
  try {
    team.run([this](const Rank& rank) { walk(rank); });
  } catch (...) {
    close_spans();
    throw;
  }
  return finite_.load(std::memory_order_relaxed);
}

void Chunk::walk(const Rank& rank) {
  At at{.rank = rank, .rows = rows_};
  for (const Step& step : program_.steps) {
    const bool wait = std::visit([&](const auto& s) { return run(s, at); }, step);
    if (at.over) return;
    if (!wait) continue;
    if (rank.index == 0) check_interrupt();
    rank.barrier();
  }
}

bool Chunk::run(const AnglesStep& step, const At& at) {
  const int64_t half = step.head_dim / 2;
  const Range mine = share_of(tokens_, at.rank);
  for (int64_t t = mine.begin; t < mine.end; ++t) {
    float* const cos = shared(step.out) + t * step.head_dim;
    for (int64_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(past_ + t) * step.frequencies[static_cast<size_t>(i)];
      cos[i] = std::cos(angle);
      cos[half + i] = std::sin(angle);
    }
  }
  return false;  // the embedding, which comes next, makes all wait
}

bool Chunk::run(const EmbedStep& step, const At& at) {
  const int64_t width = config_.d_model;
  const Range mine = share_of(rows_, at.rank);
  kernels_.embed({.ids = runner_.row_ids_.data(),
                  .tokens = plan_.weights.token_embedding,
                  .position_of = runner_.positions_.data(),
                  .positions = plan_.weights.position_embedding,
                  .positions_stride = width,
                  .width = width,
                  .y = shared(step.out),
                  .y_stride = width},
                 {mine.begin, mine.end});
  return true;
}

bool Chunk::run(const NormStep& step, const At& at) {
  if (step.last && head_is_left_out()) return false;
  const int64_t width = config_.d_model;
  const bool gather =
      step.last && pass_.last_only && !at.narrow;  // the last token's row of every sequence
  const int64_t rows = gather ? batch_ : at.rows;
  const int64_t stride = gather ? tokens_ * width : width;
  const kernels::Norm norm{.x = shared(step.in) + (gather ? (tokens_ - 1) * width : 0),
                           .x_stride = stride,
                           .width = width,
                           .weight = step.weights.weight,
                           .bias = step.weights.bias,
                           .eps = static_cast<float>(config_.norm_eps),
                           .y = place(step.out, at.rank, rows),
                           .y_stride = width};
  const Range mine = is_own(rows) ? Range{0, rows} : share_of(rows, at.rank);
  (config_.norm == NormKind::layer_norm ? kernels_.layer_norm : kernels_.rms_norm)(
      norm, {mine.begin, mine.end});
  return !is_own(rows);
}

bool Chunk::run(const ProductStep& step, const At& at) {
  const Range mine = share_of(step.width, at.rank, kernels::kOutsGrain);
  int64_t column = 0;  // of the part's first result
  for (const Matrix& part : step.parts) {
    const int64_t begin = std::max(mine.begin - column, int64_t{0});
    const int64_t end = std::min(mine.end - column, part.out);
    float* const y = shared(step.out) + column;
    column += part.out;
    if (begin >= end) continue;
    kernels_.multiply({.x = place(step.in, at.rank, at.rows),
                       .x_stride = part.in,
                       .w = part.w,
                       .inputs = part.in,
                       .bias = part.bias,
                       .nonlinearity = step.activate ? nonlinearity_ : Nonlinearity::none,
                       .residual = step.add ? y : nullptr,
                       .residual_stride = step.width,
                       .y = y,
                       .y_stride = step.width},
                      {0, at.rows, begin, end});
  }
  return true;
}

bool Chunk::run(const GatedStep& step, const At& at) {
  const Range mine = share_of(step.up.out, at.rank, kernels::kOutsGrain);
  if (mine.begin < mine.end) {
    kernels_.multiply({.x = place(step.in, at.rank, at.rows),
                       .x_stride = step.up.in,
                       .w = step.gate.w,
                       .inputs = step.up.in,
                       .bias = step.gate.bias,
                       .nonlinearity = nonlinearity_,
                       .up = step.up.w,
                       .up_bias = step.up.bias,
                       .y = shared(step.out),
                       .y_stride = step.up.out},
                      {0, at.rows, mine.begin, mine.end});
  }
  return true;
}

bool Chunk::run(const HeadStep& step, const At& at) {
  if (head_is_left_out()) return false;
  // The chunk's rows of several sequences are not neighbours among all the pass's logits.
  const bool together = pass_.last_only || tokens_ == pass_tokens_;
  const Range mine = share_of(step.matrix.out, at.rank, kernels::kOutsGrain);
  const int64_t vocab = step.matrix.out, pieces = together ? 1 : batch_;
  const int64_t rows = head_rows() / pieces;
  for (int64_t piece = 0; piece < pieces && mine.begin < mine.end; ++piece) {
    const float* const x = place(step.in, at.rank, head_rows()) + piece * rows * step.matrix.in;
    float* const y = pass_.logits + (together ? 0 : piece * pass_tokens_ + first_) * vocab;
    kernels_.multiply({.x = x,
                       .x_stride = step.matrix.in,
                       .w = step.matrix.w,
                       .inputs = step.matrix.in,
                       .bias = step.matrix.bias,
                       .y = y,
                       .y_stride = vocab},
                      {0, rows, mine.begin, mine.end});
    for (int64_t row = 0; row < rows; ++row) {
      if (!all_finite(y + row * vocab + mine.begin, mine.end - mine.begin)) finite_ = false;
    }
  }
  return pass_.observer != nullptr;
}

/// In the order of the sequences: a row is never written before it was read.
bool Chunk::run(const NarrowStep& step, At& at) {
  if (!pass_.last_only) return false;
  at.over = head_is_left_out();
  at.rows = batch_;
  at.narrow = true;
  if (at.over || tokens_ == 1) return false;
  if (at.rank.index == 0) {
    for (const NarrowStep::Kept& kept : step.kept) {
      float* const rows = shared(kept.buffer);
      for (int64_t b = 0; b < batch_; ++b) {
        std::memcpy(rows + b * kept.width, rows + ((b + 1) * tokens_ - 1) * kept.width,
                    static_cast<size_t>(kept.width) * sizeof(float));
      }
    }
  }
  return true;
}

// Attention --------------------------------------------------------------------------------------

/// A head's keys or values from position 0 on.
CacheSide Chunk::cached(const std::vector<CacheSide>& side, const AttendStep& step,
                        int64_t in_batch, int64_t kv_head) const {
  const LayerSpec& layer = spec(step.layer);
  const int64_t first = (in_batch * layer.kv_heads + kv_head) * runner_.capacity_;
  CacheSide of_head = side[static_cast<size_t>(step.layer)];
  of_head.rows += first * kernels::row_bytes(plan_.kv, layer.head_dim);
  if (of_head.scales) of_head.scales += first;
  return of_head;
}

/// Puts a head of the tokens' qkv rows into the cache.
void Chunk::remember(const CacheSide& side, const AttendStep& step, const Sequence& tokens,
                     int64_t head) const {
  const LayerSpec& layer = spec(step.layer);
  const int64_t D = layer.head_dim, stride = (layer.heads() + 2 * layer.kv_heads) * D;
  const int64_t bytes = kernels::row_bytes(plan_.kv, D), first = past_ + tokens.from;
  kernels_.quantize({.from = shared(step.qkv) + (tokens.row + tokens.from) * stride + head * D,
                     .from_stride = stride,
                     .inputs = D,
                     .width = plan_.kv,
                     .to = side.rows + first * bytes,
                     .to_stride = bytes,
                     .scales = side.scales ? side.scales + first : nullptr},
                    {0, tokens.to - tokens.from});
}

/// Turns a key/value head's keys and the queries that read it, and puts its keys and values into
/// the cache. Every query takes them from there, as they are stored: those of its own pass too.
void Chunk::turn(const AttendStep& step, int64_t kv_head, const Sequence& tokens) const {
  const LayerSpec& layer = spec(step.layer);
  const int64_t D = layer.head_dim, H = layer.heads(), K = layer.kv_heads;
  const int64_t stride = (H + 2 * K) * D;
  for (int64_t t = tokens.from; t < tokens.to && step.angles != kNone; ++t) {
    float* const row = shared(step.qkv) + (tokens.row + t) * stride;
    const float* const cos = shared(step.angles) + t * D;
    const auto rotate = [&](int64_t head) {
      float* const x = row + head * D;
      kernels_.rotate({.x = x,
                       .x_stride = D,
                       .heads = 1,
                       .head_dim = D,
                       .pairs = D / 2,
                       .cos = cos,
                       .sin = cos + D / 2,
                       .y = x,
                       .y_stride = D});
    };
    rotate(H + kv_head);
    for (int64_t head = 0; head < H; ++head) {
      if (layer.kv_of_head[static_cast<size_t>(head)] == kv_head) rotate(head);
    }
  }
  remember(cached(runner_.keys_, step, tokens.in_batch, kv_head), step, tokens, H + kv_head);
  remember(cached(runner_.values_, step, tokens.in_batch, kv_head), step, tokens, H + K + kv_head);
}

void Chunk::attend(const AttendStep& step, int64_t head, const Sequence& tokens) const {
  const LayerSpec& layer = spec(step.layer);
  const int64_t D = layer.head_dim, H = layer.heads(), K = layer.kv_heads;
  const int64_t kv_head = layer.kv_of_head[static_cast<size_t>(head)];
  const int64_t keys = past_ + tokens_;
  const auto stored = [&](const std::vector<CacheSide>& side) {
    const CacheSide of_head = cached(side, step, tokens.in_batch, kv_head);
    return kernels::Stored{.data = of_head.rows,
                           .width = plan_.kv,
                           .stride = kernels::row_bytes(plan_.kv, D),
                           .scales = of_head.scales};
  };
  kernels::Attention attention{.q = shared(step.qkv) + tokens.row * (H + 2 * K) * D + head * D,
                               .q_stride = (H + 2 * K) * D,
                               .k = stored(runner_.keys_),
                               .v = stored(runner_.values_),
                               .y = shared(step.out) + tokens.row * H * D + head * D,
                               .y_stride = H * D,
                               .head_dim = D,
                               .first_position = past_,
                               .scale = static_cast<float>(layer.attention_scale)};
  if (step.show) {
    attention.probabilities =
        runner_.probabilities_.data() + (tokens.in_batch * H + head) * tokens_ * keys;
    attention.probabilities_stride = keys;
  }
  kernels_.attend(attention, {tokens.from, tokens.to});
}

/// A thread takes whole key/value heads and needs nothing from the others in between.
void Chunk::attend_together(const AttendStep& step, const Rank& rank) const {
  const LayerSpec& layer = spec(step.layer);
  const Range mine = share_of(batch_ * layer.kv_heads, rank);
  for (int64_t i = mine.begin; i < mine.end; ++i) {
    const int64_t b = i / layer.kv_heads, kv_head = i % layer.kv_heads;
    const Sequence tokens{.row = b * tokens_, .in_batch = b, .from = 0, .to = tokens_};
    turn(step, kv_head, tokens);
    for (int64_t head = 0; head < layer.heads(); ++head) {
      if (layer.kv_of_head[static_cast<size_t>(head)] == kv_head) attend(step, head, tokens);
    }
  }
}

/// First all keys, then tiles of queries dealt out one by one: later ones see more keys.
void Chunk::attend_in_tiles(const AttendStep& step, const Rank& rank) const {
  const LayerSpec& layer = spec(step.layer);
  for (int64_t b = 0; b < batch_; ++b) {
    const Range mine = share_of(tokens_, rank);
    for (int64_t kv_head = 0; kv_head < layer.kv_heads; ++kv_head) {
      turn(step, kv_head, {.row = b * tokens_, .in_batch = b, .from = mine.begin, .to = mine.end});
    }
  }
  rank.barrier();
  const int64_t heads = batch_ * layer.heads();
  const auto tiles_of = [&](int64_t grain) { return (tokens_ + grain - 1) / grain; };
  int64_t tiles = tiles_of(kernels::kQueriesGrain);
  constexpr int64_t kTilesOfAThread = 4;  // enough for all to end at about the same time
  if (heads * tiles < kTilesOfAThread * rank.size) tiles = tiles_of(kernels::kQueriesGrain / 2);
  for (int64_t i = rank.index; i < heads * tiles; i += rank.size) {
    const int64_t b = i % heads / layer.heads(), head = i % layer.heads();
    // Of about the same size: no last one of few queries, which would add up in another order.
    const Range queries =
        share_of(tokens_, {.index = static_cast<int>(i / heads), .size = static_cast<int>(tiles)});
    attend(step, head,
           {.row = b * tokens_, .in_batch = b, .from = queries.begin, .to = queries.end});
  }
}

bool Chunk::run(const AttendStep& step, const At& at) {
  const bool enough_for_all = batch_ * spec(step.layer).kv_heads >= at.rank.size;
  if (tokens_ <= kTogetherTokens && enough_for_all) attend_together(step, at.rank);
  else attend_in_tiles(step, at.rank);
  return true;
}

}  // namespace crescent::compiled
