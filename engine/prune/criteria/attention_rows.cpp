#include "engine/prune/criteria/attention_rows.h"

#include <c10/core/GradMode.h>

namespace crescent {
namespace {

class Rows final : public Observer {
 public:
  Rows(const Model& model, const std::function<at::Tensor(const at::Tensor&)>& of_rows)
      : of_rows_(of_rows), sums_(model.config().layers.size()), counts_(sums_.size()) {
    for (size_t i = 0; i < sums_.size(); ++i) {
      sums_[i].assign(static_cast<size_t>(units_in(model.config(), UnitKind::heads, i)), 0);
    }
  }
  SiteSet wanted_tensors() const override { return SiteSet{}.add(Site::attention_softmax); }
  void tensor(Site, int32_t index, const TensorView& view) override {
    const c10::NoGradGuard no_grad;
    const auto layer = static_cast<size_t>(index);
    const int64_t tokens = view.shape[2];
    if (sums_[layer].empty() || tokens < 2) return;
    const at::Tensor rows = of_rows_(as_tensor(view)).narrow(2, 1, tokens - 1);
    const at::Tensor by_head = rows.transpose(0, 1).reshape({rows.size(1), -1});
    const at::Tensor sums = by_head.sum(1, false, at::kDouble).contiguous();
    for (size_t head = 0; head < sums_[layer].size(); ++head) {
      sums_[layer][head] += sums.data_ptr<double>()[head];
    }
    counts_[layer] += by_head.size(1);
  }
  Scores means(UnitKind kind) && {
    for (size_t i = 0; i < sums_.size(); ++i) {
      for (double& sum : sums_[i]) sum /= static_cast<double>(counts_[i]);
    }
    return {.kind = kind, .of = std::move(sums_)};
  }

 private:
  const std::function<at::Tensor(const at::Tensor&)>& of_rows_;
  std::vector<std::vector<double>> sums_;
  std::vector<int64_t> counts_;
};

}  // namespace

Scores mean_over_attention_rows(const Model& model, UnitKind kind, const ScoreOptions& options,
                                const std::function<at::Tensor(const at::Tensor&)>& of_rows) {
  Rows rows(model, of_rows);
  observe_data(model, *options.data, rows, options);
  return std::move(rows).means(kind);
}

}  // namespace crescent
