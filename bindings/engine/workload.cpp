#include "bindings/engine/workload.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/exec/sampler.h"
#include "engine/interrupt.h"
#include "engine/model/accounting.h"
#include "engine/random.h"

namespace crescent {
namespace {

constexpr int64_t kBurst = 8;

void check_positions(const Model& model, int64_t tokens) {
  if (tokens > model.config().positions_max)
    fail("{} tokens are more than the model's {} positions", tokens, model.config().positions_max);
}

class Decode final : public Workload {
 public:
  Decode(std::shared_ptr<const Model> model, const DecodeShape& shape)
      : model_(std::move(model)),
        context_(shape.context()),
        burst_(shape.burst()),
        ids_(random_ids(*model_, context_ + burst_, shape.seed)),
        observer_(shape.observer),
        session_(Session::open(model_, 1, context_ + burst_)) {
    feed(0, context_, true);
  }

  double measure_ns(Clock& clock) override {
    session_->truncate(context_);
    int32_t id = ids_[static_cast<size_t>(context_)];
    const int64_t start = clock.now_ns();
    for (int64_t step = 0; step < burst_; ++step) {
      check_interrupt();
      at::Tensor logits;
      {
        const SectionSpan span(observer_, Section::decode,
                               {1, static_cast<int32_t>(context_ + step), 1});
        logits = session_->feed(std::span<const int32_t>(&id, 1),
                                {.last_only = true, .observer = observer_});
      }
      const SectionSpan span(observer_, Section::sample);
      id = greedy_.pick({logits.data_ptr<float>(), static_cast<size_t>(logits.numel())}, {});
    }
    return static_cast<double>(clock.now_ns() - start);
  }

  at::Tensor answer() override {
    session_->truncate(0);
    std::vector<at::Tensor> parts{feed(0, context_, false)};
    for (int64_t step = 0; step < burst_; ++step) parts.push_back(feed(context_ + step, 1, false));
    return at::cat(parts, 0);
  }

  double units() const override { return static_cast<double>(burst_); }

 private:
  at::Tensor feed(int64_t first, int64_t count, bool last_only) {
    const std::span<const int32_t> all(ids_);
    const auto ids = all.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    return session_->feed(ids, {.last_only = last_only})[0];
  }

  std::shared_ptr<const Model> model_;
  int64_t context_, burst_;
  std::vector<int32_t> ids_;
  Observer* observer_;
  std::unique_ptr<Session> session_;
  Sampler greedy_{SamplingOptions{}};
};

class Prefill final : public Workload {
 public:
  Prefill(std::shared_ptr<const Model> model, const PrefillShape& shape)
      : model_(std::move(model)),
        ids_(ids_tensor(*model_, random_ids(*model_, shape.tokens, shape.seed))),
        session_(Session::open(model_, 1, shape.tokens)) {}

  double measure_ns(Clock& clock) override {
    check_interrupt();
    session_->truncate(0);
    const int64_t start = clock.now_ns();
    session_->feed(ids_, {.last_only = true});
    return static_cast<double>(clock.now_ns() - start);
  }

  at::Tensor answer() override {
    session_->truncate(0);
    return session_->feed(ids_, {})[0];
  }

  double units() const override { return 1; }

 private:
  std::shared_ptr<const Model> model_;
  at::Tensor ids_;  // (1, T)
  std::unique_ptr<Session> session_;
};

}  // namespace

std::vector<int32_t> random_ids(const Model& model, int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int32_t> ids(static_cast<size_t>(count));
  for (int32_t& id : ids)
    id = static_cast<int32_t>(random.below(static_cast<uint64_t>(model.config().vocab)));
  return ids;
}

int64_t DecodeShape::burst() const { return std::min(kBurst, tokens); }
int64_t DecodeShape::context() const { return prompt + (tokens - burst()) / 2; }

std::unique_ptr<Workload> decode_workload(std::shared_ptr<const Model> model,
                                          const DecodeShape& shape) {
  check_positions(*model, shape.prompt + shape.tokens);
  return std::make_unique<Decode>(std::move(model), shape);
}

std::unique_ptr<Workload> prefill_workload(std::shared_ptr<const Model> model,
                                           const PrefillShape& shape) {
  check_positions(*model, shape.tokens);
  return std::make_unique<Prefill>(std::move(model), shape);
}

double prefill_flops(const Model& model, int64_t tokens) {
  double flops = 0;
  for (int64_t context = 1; context <= tokens; ++context) {
    const PartCounts counts = flops_per_token(model.config(), context);
    flops += static_cast<double>(counts.total() - (context < tokens ? counts[Part::head] : 0));
  }
  return flops;
}

double decode_bytes(const Model& model) {
  return static_cast<double>(
      bytes_read_per_token(model.config(), model.layout(), model.options().storage));
}

double drift(const at::Tensor& answer, const at::Tensor& reference) {
  const double spread = reference.std().item<double>();
  return (answer - reference).abs().max().item<double>() / spread;
}

}  // namespace crescent
