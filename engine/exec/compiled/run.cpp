#include "engine/exec/compiled/run.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "engine/error.h"
#include "engine/exec/all_finite.h"
#include "engine/interrupt.h"
#include "engine/memory.h"

namespace crescent::compiled {
namespace {

using kernels::Nonlinearity;

/// Up to here every thread normalizes all rows for itself: that takes less time than to wait for
/// the others, and the result is still in the thread's own cache when its product reads it.
constexpr int64_t kOwnRows = 8;

/// Up to here a thread that turns a key/value head's keys also attends for its queries.
constexpr int64_t kTogetherTokens = 8;

/// Of one thread's own norms, in whole cache lines.
int64_t own_floats(const DecoderConfig& config) {
  constexpr int64_t kLine = 16;
  return kOwnRows * ((config.d_model + kLine - 1) / kLine * kLine);
}

Nonlinearity nonlinearity_of(Activation activation) {
  switch (activation) {
    case Activation::relu: return Nonlinearity::relu;
    case Activation::gelu: return Nonlinearity::gelu;
    case Activation::gelu_tanh: return Nonlinearity::gelu_tanh;
    case Activation::silu: return Nonlinearity::silu;
  }
  fail("activation number {} is unknown", static_cast<int>(activation));
}

int64_t product(std::initializer_list<int64_t> factors) {
  int64_t all = 1;
  for (const int64_t factor : factors) {
    if (__builtin_mul_overflow(all, factor, &all)) return std::numeric_limits<int64_t>::max();
  }
  return all;
}

}  // namespace

/// One walk through a program's steps with some tokens, by all threads of a team: every member
/// function below runs on each of them. A step gives true if the others must wait for what it
/// wrote.
class Chunk {
 public:
  struct Tokens {
    int64_t first, count;  ///< in the pass
  };
  Chunk(Runner& runner, const Program& program, const Pass& pass, Tokens tokens)
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

  /// @return false if a logit is not finite.
  bool run(Team& team);

 private:
  void walk(const Rank& rank) {
    for (const Step& step : program_.steps) {
      const bool wait = std::visit([&](const auto& s) { return run(s, rank); }, step);
      if (!wait) continue;
      if (rank.index == 0) check_interrupt();
      rank.barrier();
    }
  }

  bool run(const AnglesStep& step, const Rank& rank);
  bool run(const EmbedStep& step, const Rank& rank);
  bool run(const NormStep& step, const Rank& rank);
  bool run(const ProductStep& step, const Rank& rank);
  bool run(const GatedStep& step, const Rank& rank);
  bool run(const AttendStep& step, const Rank& rank);
  bool run(const HeadStep& step, const Rank& rank);
  bool run(const BeginStep& step, const Rank& rank);
  bool run(const EndStep& step, const Rank& rank);
  bool run(const ShowStep& step, const Rank& rank);
  bool run(const ShowLogitsStep& step, const Rank& rank);
  bool run(const ShowProbabilitiesStep& step, const Rank& rank);
  bool run(const ActivateStep& step, const Rank& rank);
  bool run(const GateStep& step, const Rank& rank);
  bool run(const AddStep& step, const Rank& rank);

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
  float* cached(const std::vector<float*>& side, const AttendStep& step, int64_t in_batch,
                int64_t kv_head) const;
  void multiply_logits(const HeadStep& step, const Rank& rank, Sequence tokens);
  void elementwise(const kernels::Matmul& of_row_zero, int64_t width, const Rank& rank) const;
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
  const int64_t rows_;
  const int64_t past_;  // tokens before the chunk
  const Nonlinearity nonlinearity_;
  std::atomic<bool> finite_{true};

  static constexpr size_t kNesting = 4;
  struct Open {
    Site site;
    int32_t layer;
  };
  std::array<Open, kNesting> open_;  // the caller's spans, outermost first
  size_t opened_ = 0;
};

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

bool Chunk::run(const AnglesStep& step, const Rank& rank) {
  const int64_t half = step.head_dim / 2;
  const Range mine = share_of(tokens_, rank);
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

bool Chunk::run(const EmbedStep& step, const Rank& rank) {
  const int64_t width = config_.d_model;
  const Range mine = share_of(rows_, rank);
  kernels_.embed({.ids = runner_.row_ids_.data(),
                  .tokens = plan_.weights.token_embedding,
                  .tokens_stride = width,
                  .position_of = runner_.positions_.data(),
                  .positions = plan_.weights.position_embedding,
                  .positions_stride = width,
                  .width = width,
                  .y = shared(step.out),
                  .y_stride = width},
                 {mine.begin, mine.end});
  return true;
}

bool Chunk::run(const NormStep& step, const Rank& rank) {
  if (step.last && head_is_left_out()) return false;
  const int64_t width = config_.d_model;
  const bool gather = step.last && pass_.last_only;  // the last token's row of every sequence
  const int64_t rows = gather ? batch_ : rows_;
  const int64_t stride = gather ? tokens_ * width : width;
  const kernels::Norm norm{.x = shared(step.in) + (gather ? (tokens_ - 1) * width : 0),
                           .x_stride = stride,
                           .width = width,
                           .weight = step.weights.weight,
                           .bias = step.weights.bias,
                           .eps = static_cast<float>(config_.norm_eps),
                           .y = place(step.out, rank, rows),
                           .y_stride = width};
  const Range mine = is_own(rows) ? Range{0, rows} : share_of(rows, rank);
  (config_.norm == NormKind::layer_norm ? kernels_.layer_norm : kernels_.rms_norm)(
      norm, {mine.begin, mine.end});
  return !is_own(rows);
}

bool Chunk::run(const ProductStep& step, const Rank& rank) {
  const Range mine = share_of(step.width, rank, kernels::kOutsGrain);
  int64_t column = 0;  // of the part's first result
  for (const Matrix& part : step.parts) {
    const int64_t begin = std::max(mine.begin - column, int64_t{0});
    const int64_t end = std::min(mine.end - column, part.out);
    float* const y = shared(step.out) + column;
    column += part.out;
    if (begin >= end) continue;
    kernels_.multiply({.x = place(step.in, rank, rows_),
                       .x_stride = part.in,
                       .w = part.data,
                       .w_stride = part.in,
                       .inputs = part.in,
                       .bias = part.bias,
                       .nonlinearity = step.activate ? nonlinearity_ : Nonlinearity::none,
                       .residual = step.add ? y : nullptr,
                       .residual_stride = step.width,
                       .y = y,
                       .y_stride = step.width},
                      {0, rows_, begin, end});
  }
  return true;
}

bool Chunk::run(const GatedStep& step, const Rank& rank) {
  const Range mine = share_of(step.up.out, rank, kernels::kOutsGrain);
  if (mine.begin < mine.end) {
    kernels_.multiply({.x = place(step.in, rank, rows_),
                       .x_stride = step.up.in,
                       .w = step.gate.data,
                       .w_stride = step.gate.in,
                       .inputs = step.up.in,
                       .bias = step.gate.bias,
                       .nonlinearity = nonlinearity_,
                       .up = step.up.data,
                       .up_stride = step.up.in,
                       .up_bias = step.up.bias,
                       .y = shared(step.out),
                       .y_stride = step.up.out},
                      {0, rows_, mine.begin, mine.end});
  }
  return true;
}

bool Chunk::run(const HeadStep& step, const Rank& rank) {
  if (head_is_left_out()) return false;
  // The chunk's rows of several sequences are not neighbours among all the pass's logits.
  const bool together = pass_.last_only || tokens_ == pass_tokens_;
  const Range mine = share_of(step.matrix.out, rank, kernels::kOutsGrain);
  const int64_t vocab = step.matrix.out, pieces = together ? 1 : batch_;
  const int64_t rows = head_rows() / pieces;
  for (int64_t piece = 0; piece < pieces && mine.begin < mine.end; ++piece) {
    const float* const x = place(step.in, rank, head_rows()) + piece * rows * step.matrix.in;
    float* const y = pass_.logits + (together ? 0 : piece * pass_tokens_ + first_) * vocab;
    kernels_.multiply({.x = x,
                       .x_stride = step.matrix.in,
                       .w = step.matrix.data,
                       .w_stride = step.matrix.in,
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

// Attention --------------------------------------------------------------------------------------

float* Chunk::cached(const std::vector<float*>& side, const AttendStep& step, int64_t in_batch,
                     int64_t kv_head) const {
  const LayerSpec& layer = spec(step.layer);
  return side[static_cast<size_t>(step.layer)] +
         (in_batch * layer.kv_heads + kv_head) * runner_.capacity_ * layer.head_dim;
}

/// Turns the queries that read a key/value head, and puts its turned keys and its values into the
/// cache.
void Chunk::turn(const AttendStep& step, int64_t kv_head, const Sequence& tokens) const {
  const LayerSpec& layer = spec(step.layer);
  const int64_t D = layer.head_dim, H = layer.heads(), K = layer.kv_heads;
  const int64_t stride = (H + 2 * K) * D;
  float* const keys = cached(runner_.keys_, step, tokens.in_batch, kv_head);
  float* const values = cached(runner_.values_, step, tokens.in_batch, kv_head);
  for (int64_t t = tokens.from; t < tokens.to; ++t) {
    float* const row = shared(step.qkv) + (tokens.row + t) * stride;
    float* const to_key = keys + (past_ + t) * D;
    const float* const key = row + (H + kv_head) * D;
    if (step.angles == kNone) {
      std::memcpy(to_key, key, static_cast<size_t>(D) * sizeof(float));
    } else {
      const float* const cos = shared(step.angles) + t * D;
      kernels::Rotate rotate{.x = key,
                             .x_stride = D,
                             .heads = 1,
                             .head_dim = D,
                             .pairs = D / 2,
                             .cos = cos,
                             .sin = cos + D / 2,
                             .y = to_key,
                             .y_stride = D};
      kernels_.rotate(rotate);
      for (int64_t head = 0; head < H; ++head) {
        if (layer.kv_of_head[static_cast<size_t>(head)] != kv_head) continue;
        rotate.x = rotate.y = row + head * D;
        kernels_.rotate(rotate);
      }
    }
    std::memcpy(values + (past_ + t) * D, row + (H + K + kv_head) * D,
                static_cast<size_t>(D) * sizeof(float));
  }
}

void Chunk::attend(const AttendStep& step, int64_t head, const Sequence& tokens) const {
  const LayerSpec& layer = spec(step.layer);
  const int64_t D = layer.head_dim, H = layer.heads(), K = layer.kv_heads;
  const int64_t kv_head = layer.kv_of_head[static_cast<size_t>(head)];
  const int64_t keys = past_ + tokens_;
  kernels::Attention attention{.q = shared(step.qkv) + tokens.row * (H + 2 * K) * D + head * D,
                               .q_stride = (H + 2 * K) * D,
                               .k = cached(runner_.keys_, step, tokens.in_batch, kv_head),
                               .k_stride = D,
                               .v = cached(runner_.values_, step, tokens.in_batch, kv_head),
                               .v_stride = D,
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
  const int64_t tiles = (tokens_ + kernels::kQueriesGrain - 1) / kernels::kQueriesGrain;
  for (int64_t i = rank.index; i < heads * tiles; i += rank.size) {
    const int64_t b = i % heads / layer.heads(), head = i % layer.heads();
    const int64_t from = i / heads * kernels::kQueriesGrain;
    attend(step, head,
           {.row = b * tokens_,
            .in_batch = b,
            .from = from,
            .to = std::min(from + kernels::kQueriesGrain, tokens_)});
  }
}

bool Chunk::run(const AttendStep& step, const Rank& rank) {
  const bool enough_for_all = batch_ * spec(step.layer).kv_heads >= rank.size;
  if (tokens_ <= kTogetherTokens && enough_for_all) attend_together(step, rank);
  else attend_in_tiles(step, rank);
  return true;
}

// For observers ----------------------------------------------------------------------------------

bool Chunk::run(const BeginStep& step, const Rank& rank) {
  if (rank.index == 0) {
    pass_.observer->begin(step.site, step.layer);
    open_.at(opened_++) = {step.site, step.layer};
  }
  return false;
}

bool Chunk::run(const EndStep& step, const Rank& rank) {
  if (rank.index == 0) {
    --opened_;
    pass_.observer->end(step.site, step.layer);
  }
  return false;
}

void Chunk::close_spans() {
  while (opened_ > 0) {
    --opened_;
    pass_.observer->end(open_[opened_].site, open_[opened_].layer);
  }
}

bool Chunk::run(const ShowStep& step, const Rank& rank) {
  if (rank.index == 0) {
    const bool of_last = step.site == Site::final_norm && pass_.last_only;
    const int64_t rows = of_last ? batch_ : rows_;
    const std::array<int64_t, 3> shape{batch_, rows / batch_, step.width};
    show(step.site, step.layer, place(step.buffer, rank, rows), shape);
  }
  return true;
}

bool Chunk::run(const ShowLogitsStep&, const Rank& rank) {
  if (rank.index == 0) {
    const std::array<int64_t, 3> shape{batch_, head_rows() / batch_, config_.vocab};
    show(Site::head, -1, pass_.logits, shape);
  }
  return true;
}

bool Chunk::run(const ShowProbabilitiesStep& step, const Rank& rank) {
  if (rank.index == 0) {
    const std::array<int64_t, 4> shape{batch_, spec(step.layer).heads(), tokens_, past_ + tokens_};
    show(Site::attention_softmax, step.layer, runner_.probabilities_.data(), shape);
  }
  return true;
}

/// A product's epilogue alone: a product of no inputs leaves the bias, which here is a row that was
/// computed before. So a step that was taken apart gives the same bits as the whole one.
void Chunk::elementwise(const kernels::Matmul& of_row_zero, int64_t width, const Rank& rank) const {
  const Range mine = share_of(rows_, rank);
  for (int64_t row = mine.begin; row < mine.end; ++row) {
    kernels::Matmul of_row = of_row_zero;
    of_row.x = of_row.w = of_row.bias;
    of_row.bias += row * width;
    of_row.y += row * width;
    if (of_row.up_bias) of_row.up = of_row.up_bias += row * width;
    if (of_row.residual) of_row.residual += row * width;
    kernels_.multiply(of_row, {0, 1, 0, width});
  }
}

bool Chunk::run(const ActivateStep& step, const Rank& rank) {
  elementwise({.bias = shared(step.in), .nonlinearity = nonlinearity_, .y = shared(step.out)},
              step.width, rank);
  return true;
}

bool Chunk::run(const GateStep& step, const Rank& rank) {
  elementwise({.bias = shared(step.gate),
               .nonlinearity = nonlinearity_,
               .up_bias = shared(step.up),
               .y = shared(step.out)},
              step.width, rank);
  return true;
}

bool Chunk::run(const AddStep& step, const Rank& rank) {
  elementwise({.bias = shared(step.in), .residual = shared(step.out), .y = shared(step.out)},
              step.width, rank);
  return true;
}

// Runner -----------------------------------------------------------------------------------------

Runner::Runner(std::shared_ptr<const Plan> plan, const RunnerShape& shape, std::string_view what)
    : plan_(std::move(plan)), batch_(shape.batch), capacity_(shape.capacity) {
  const DecoderConfig& config = plan_->config;
  const int64_t floats = cache_floats(config, {shape.batch, shape.capacity});
  cache_bytes_ = product({floats, int64_t{sizeof(float)}});
  const int64_t rows = std::min(product({batch_, capacity_}), std::max(batch_, kRowsMax));
  const int64_t arena = floats_for(plan_->program, rows, shape.threads);
  int64_t all = 0;
  if (__builtin_add_overflow(cache_bytes_, product({arena, int64_t{sizeof(float)}}), &all)) {
    all = std::numeric_limits<int64_t>::max();
  }
  require_memory(all, what);
  cache_ = HugePages(static_cast<size_t>(cache_bytes_));
  float* next = cache_.floats();
  for (const LayerSpec& layer : config.layers) {
    const int64_t side =
        layer.has_attention ? batch_ * layer.kv_heads * capacity_ * layer.head_dim : 0;
    keys_.push_back(next);
    values_.push_back(next + side);
    next += 2 * side;
  }
  make_room(plan_->program, rows, shape.threads);
}

int64_t Runner::floats_for(const Program& program, int64_t rows, int threads) const {
  const int64_t buffers = product({program.arena_width, rows});
  const int64_t own = own_floats(plan_->config) * threads;
  int64_t all = 0;
  if (__builtin_add_overflow(buffers, own, &all)) return std::numeric_limits<int64_t>::max();
  return all;
}

void Runner::make_room(const Program& program, int64_t rows, int threads) {
  const int64_t bytes = product({floats_for(program, rows, threads), int64_t{sizeof(float)}});
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
    watched_ = std::make_unique<Program>(make_program(plan_->config, plan_->weights, taps));
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
    const int64_t count = product({batch_, heads, tokens, pass.past + tokens});
    require_memory(product({count, int64_t{sizeof(float)}}), "showing attention probabilities");
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
