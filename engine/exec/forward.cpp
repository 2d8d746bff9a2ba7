#include "engine/exec/forward.h"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <cstring>

#include "engine/error.h"
#include "engine/exec/checks.h"
#include "engine/exec/compiled/compiled_session.h"
#include "engine/exec/finite.h"
#include "engine/exec/fused.h"
#include "engine/exec/reference.h"

namespace crescent {
namespace {

at::Tensor run_level(const Model& model, const at::Tensor& ids, bool last_only,
                     Observer* observer) {
  const Watch watch(observer);
  if (model.level() == 0) {
    return reference_forward(model.config(), model.wide(), ids, watch, last_only);
  }
  return fused_forward(model.config(), model.wide(), ids, watch, {.last_only = last_only});
}

/// Keeps copies of what the caller asked for.
class Capture : public Observer {
 public:
  Capture(const CaptureOptions& options, Captured& into) : options_(options), into_(into) {}

  SiteSet wanted_tensors() const override {
    SiteSet sites;
    if (options_.hidden) sites.add(Site::embedding).add(Site::block).add(Site::final_norm);
    if (options_.attention) sites.add(Site::attention_softmax);
    return sites;
  }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    const at::Tensor copy = at::empty({view.shape.data(), view.shape.size()}, at::kFloat);
    // A layer without heads shows an empty tensor, which has no address.
    if (copy.nbytes() > 0) std::memcpy(copy.data_ptr(), view.data, copy.nbytes());
    if (site == Site::attention_softmax) {
      into_.attention.at(static_cast<size_t>(layer)) = copy;
    } else if (site == Site::final_norm) {
      into_.last_hidden = copy;
    } else {
      into_.hidden.push_back(copy);
    }
  }

 private:
  CaptureOptions options_;
  Captured& into_;
};

template <class Id>
void check_vocabulary(const Model& model, std::span<Id> ids, int64_t tokens) {
  const int64_t vocab = model.config().vocab;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocab) continue;
    fail("token id {} at position {} is outside the vocabulary: expected 0 .. {}", ids[i],
         static_cast<int64_t>(i) % tokens + 1, vocab - 1);
  }
}

}  // namespace

void check_ids(const Model& model, const at::Tensor& ids) {
  if (ids.dim() != 2 || ids.scalar_type() != at::kLong) {
    fail("token ids: expected an int64 tensor (batch, tokens), got {} of shape [{}]",
         name_of(dtype_of(ids)), fmt::join(ids.sizes(), ", "));
  }
  if (ids.size(0) < 1) fail("token ids: expected at least one sequence, got none");
  if (ids.size(1) < 1) fail("token ids: expected at least one, got an empty sequence");
  const at::Tensor plain = ids.contiguous();
  check_vocabulary(model, std::span(plain.data_ptr<int64_t>(), static_cast<size_t>(plain.numel())),
                   ids.size(1));
}

void check_ids(const Model& model, std::span<const int32_t> ids) {
  if (ids.empty()) fail("token ids: expected at least one, got an empty sequence");
  check_vocabulary(model, ids, static_cast<int64_t>(ids.size()));
}

at::Tensor ids_tensor(const Model& model, std::span<const int32_t> ids) {
  const at::Tensor tensor = at::empty({1, static_cast<int64_t>(ids.size())}, at::kLong);
  std::copy(ids.begin(), ids.end(), tensor.data_ptr<int64_t>());
  check_ids(model, tensor);
  return tensor;
}

at::Tensor forward(const Model& model, const at::Tensor& ids, const ForwardOptions& options) {
  check_ids(model, ids);
  const int64_t positions = model.config().positions_max;
  if (ids.size(1) > positions) {
    fail("{} tokens are more than the model's {} positions", ids.size(1), positions);
  }
  const c10::NoGradGuard no_grad;
  if (model.level() >= 2) return compiled_forward(model, ids, options);
  const at::Tensor logits = run_level(model, ids, options.last_only, options.observer);
  require_finite(logits, model.config(),
                 [&](Observer* look) { run_level(model, ids, options.last_only, look); });
  return logits;
}

Captured forward_captured(const Model& model, const at::Tensor& ids,
                          const CaptureOptions& options) {
  const c10::NoGradGuard no_grad;
  Captured captured;
  if (options.attention) {
    // A layer without attention has no heads to show.
    captured.attention.assign(model.config().layers.size(),
                              at::empty({ids.size(0), 0, ids.size(-1), ids.size(-1)}, at::kFloat));
  }
  Capture capture(options, captured);
  captured.logits = forward(model, ids, {.observer = &capture});
  return captured;
}

}  // namespace crescent
