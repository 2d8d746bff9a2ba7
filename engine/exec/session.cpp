#include "engine/exec/session.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include "engine/error.h"
#include "engine/exec/checks.h"
#include "engine/exec/compiled/compiled_session.h"
#include "engine/exec/finite.h"
#include "engine/exec/fused.h"
#include "engine/exec/reference.h"
#include "engine/exec/session_base.h"
#include "engine/memory.h"

namespace crescent {
namespace {

/// Levels whose pass gives a tensor.
class TensorSession : public SessionBase {
 public:
  using SessionBase::feed;
  using SessionBase::SessionBase;

  at::Tensor feed(const at::Tensor& ids, const ForwardOptions& options) override {
    check_ids(model(), ids);
    check_fits({ids.size(0), ids.size(1)});
    const c10::NoGradGuard no_grad;
    const at::Tensor logits = run(ids, options.last_only, options.observer);
    require_finite(logits, model().config(),
                   [&](Observer* look) { run(ids, options.last_only, look); });
    const at::Tensor plain = ids.contiguous();
    append({plain.data_ptr<int64_t>(), static_cast<size_t>(plain.size(1))});
    return logits;
  }

 protected:
  /// Logits of `ids` after what is held. Must leave what is held as it is: it may run twice, or
  /// throw.
  virtual at::Tensor run(const at::Tensor& ids, bool last_only, Observer* observer) = 0;
};

class ReferenceSession : public TensorSession {
 public:
  ReferenceSession(std::shared_ptr<const Model> model, int64_t batch, int64_t capacity)
      : TensorSession(std::move(model), batch, capacity),
        all_(at::empty({batch, capacity}, at::kLong)) {}

  int64_t bytes() const override { return static_cast<int64_t>(all_.nbytes()); }

 private:
  at::Tensor run(const at::Tensor& ids, bool last_only, Observer* observer) override {
    const int64_t tokens = ids.size(1);
    all_.narrow(1, length(), tokens).copy_(ids);
    const at::Tensor logits =
        reference_forward(model().config(), model().wide(), all_.narrow(1, 0, length() + tokens),
                          Watch(observer), last_only);
    return last_only ? logits : logits.narrow(1, length(), tokens).contiguous();
  }
  void appended(int64_t) override {}
  void truncated(int64_t) override {}

  at::Tensor all_;  // (B, capacity) ids
};

class FusedSession : public TensorSession {
 public:
  FusedSession(std::shared_ptr<const Model> model, int64_t batch, int64_t capacity)
      : TensorSession(model, batch, capacity),
        cache_(model->config(), batch, capacity),
        bytes_(KvCache::bytes_for(model->config(), batch, capacity)) {}

  int64_t bytes() const override { return bytes_; }

 private:
  at::Tensor run(const at::Tensor& ids, bool last_only, Observer* observer) override {
    return fused_forward(model().config(), model().wide(), ids, Watch(observer),
                         {.cache = &cache_, .last_only = last_only});
  }
  void appended(int64_t tokens) override { cache_.length += tokens; }
  void truncated(int64_t length) override { cache_.length = length; }

  KvCache cache_;
  int64_t bytes_;
};

}  // namespace

at::Tensor Session::feed(std::span<const int32_t> ids, const ForwardOptions& options) {
  return feed(ids_tensor(model(), ids), options);
}

SessionBase::SessionBase(std::shared_ptr<const Model> model, int64_t batch, int64_t capacity)
    : model_(std::move(model)), batch_(batch), capacity_(capacity) {
  ids_.reserve(static_cast<size_t>(capacity));
}

void SessionBase::check_fits(Shape shape) const {
  if (shape.batch != batch_) {
    fail("feed: expected {} {}, got {}", batch_, batch_ == 1 ? "sequence" : "sequences",
         shape.batch);
  }
  if (shape.tokens > capacity_ - length()) {
    fail("feed: {} not fit: the session holds {} of {}; truncate it or open a longer one",
         shape.tokens == 1 ? "1 more token does" : fmt::format("{} more tokens do", shape.tokens),
         length(), capacity_);
  }
}

void SessionBase::append(std::span<const int64_t> row_0) {
  for (const int64_t id : row_0) ids_.push_back(static_cast<int32_t>(id));
  appended(static_cast<int64_t>(row_0.size()));
}

void SessionBase::truncate(int64_t length) {
  if (length < 0 || length > this->length()) {
    fail("truncate: expected 0 .. {}, got {}", this->length(), length);
  }
  ids_.resize(static_cast<size_t>(length));
  truncated(length);
}

void SessionBase::take_back(const at::Tensor& ids) {
  const at::Tensor plain = ids.contiguous();
  append({plain.data_ptr<int64_t>(), static_cast<size_t>(plain.size(1))});
}

std::unique_ptr<Session> Session::open(std::shared_ptr<const Model> model, int64_t batch,
                                       int64_t capacity) {
  const int64_t positions = model->config().positions_max;
  if (batch < 1) fail("session: expected a batch of at least 1, got {}", batch);
  if (capacity < 1 || capacity > positions) {
    fail("session: tokens: expected 1 .. {} (the model's positions), got {}", positions, capacity);
  }
  const c10::NoGradGuard no_grad;
  if (model->level() == 0)
    return std::make_unique<ReferenceSession>(std::move(model), batch, capacity);
  if (model->level() >= 2) return open_compiled_session(std::move(model), batch, capacity);
  require_memory(KvCache::bytes_for(model->config(), batch, capacity),
                 fmt::format("a session of {} x {} tokens", batch, capacity));
  return std::make_unique<FusedSession>(std::move(model), batch, capacity);
}

}  // namespace crescent
