#include "engine/exec/session.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <vector>

#include "engine/error.h"
#include "engine/exec/checks.h"
#include "engine/exec/finite.h"
#include "engine/exec/fused.h"
#include "engine/exec/reference.h"
#include "engine/memory.h"

namespace crescent {
namespace {

/// What both levels share: the checks, and the ids of row 0.
class BaseSession : public Session {
 public:
  BaseSession(std::shared_ptr<const Model> model, int64_t batch, int64_t capacity)
      : model_(std::move(model)), batch_(batch), capacity_(capacity) {}

  at::Tensor feed(const at::Tensor& ids, const ForwardOptions& options) override {
    check_ids(*model_, ids);
    if (ids.size(0) != batch_) {
      fail("feed: expected {} {}, got {}", batch_, batch_ == 1 ? "sequence" : "sequences",
           ids.size(0));
    }
    const int64_t tokens = ids.size(1);
    if (tokens > capacity_ - length()) {
      fail("feed: {} not fit: the session holds {} of {}; truncate it or open a longer one",
           tokens == 1 ? "1 more token does" : fmt::format("{} more tokens do", tokens), length(),
           capacity_);
    }
    const c10::NoGradGuard no_grad;
    const at::Tensor logits = run(ids, options.last_only, options.observer);
    require_finite(logits, model_->config(),
                   [&](Observer* look) { run(ids, options.last_only, look); });
    append(ids);
    return logits;
  }

  void truncate(int64_t length) override {
    if (length < 0 || length > this->length()) {
      fail("truncate: expected 0 .. {}, got {}", this->length(), length);
    }
    ids_.resize(static_cast<size_t>(length));
    truncated(length);
  }

  void take_back(const at::Tensor& ids) override { append(ids); }

  int64_t length() const override { return static_cast<int64_t>(ids_.size()); }
  int64_t capacity() const override { return capacity_; }
  const Model& model() const override { return *model_; }
  std::span<const int32_t> ids() const override { return ids_; }

 protected:
  /// Logits of `ids` after what is held. Must leave what is held as it is: it may run twice, or
  /// throw.
  virtual at::Tensor run(const at::Tensor& ids, bool last_only, Observer* observer) = 0;
  virtual void appended(const at::Tensor& ids) = 0;
  virtual void truncated(int64_t length) = 0;
  int64_t batch() const { return batch_; }

 private:
  void append(const at::Tensor& ids) {
    const at::Tensor row = ids[0].contiguous();
    const int64_t* id = row.data_ptr<int64_t>();
    ids_.insert(ids_.end(), id, id + row.numel());
    appended(ids);
  }

  std::shared_ptr<const Model> model_;
  int64_t batch_, capacity_;
  std::vector<int32_t> ids_;
};

class ReferenceSession : public BaseSession {
 public:
  ReferenceSession(std::shared_ptr<const Model> model, int64_t batch, int64_t capacity)
      : BaseSession(std::move(model), batch, capacity),
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
  void appended(const at::Tensor&) override {}
  void truncated(int64_t) override {}

  at::Tensor all_;  // (B, capacity) ids
};

class FusedSession : public BaseSession {
 public:
  FusedSession(std::shared_ptr<const Model> model, int64_t batch, int64_t capacity)
      : BaseSession(model, batch, capacity),
        cache_(model->config(), batch, capacity),
        bytes_(KvCache::bytes_for(model->config(), batch, capacity)) {}

  int64_t bytes() const override { return bytes_; }

 private:
  at::Tensor run(const at::Tensor& ids, bool last_only, Observer* observer) override {
    return fused_forward(model().config(), model().wide(), ids, Watch(observer),
                         {.cache = &cache_, .last_only = last_only});
  }
  void appended(const at::Tensor& ids) override { cache_.length += ids.size(1); }
  void truncated(int64_t length) override { cache_.length = length; }

  KvCache cache_;
  int64_t bytes_;
};

}  // namespace

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
  require_memory(KvCache::bytes_for(model->config(), batch, capacity),
                 fmt::format("a session of {} x {} tokens", batch, capacity));
  return std::make_unique<FusedSession>(std::move(model), batch, capacity);
}

}  // namespace crescent
