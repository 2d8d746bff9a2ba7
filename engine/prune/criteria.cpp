#include <array>

#include "engine/error.h"
#include "engine/nearest.h"
#include "engine/prune/criterion.h"

namespace crescent {

std::span<const Criterion* const> criteria() {
  static const std::array<const Criterion*, 9> all{
      &random_criterion(),   &magnitude_criterion(),  &taylor_criterion(),
      &gradient_criterion(), &ablation_criterion(),   &activation_criterion(),
      &entropy_criterion(),  &confidence_criterion(), &redundancy_criterion()};
  return all;
}

const Criterion& criterion_named(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Criterion* criterion : criteria()) {
    if (criterion->name() == name) return *criterion;
    known.push_back(criterion->name());
  }
  fail("no criterion is named '{}'{}; crescent.prune.criteria() lists them", name,
       did_you_mean(name, known));
}

void check_can_score(const Criterion& criterion, UnitKind kind, const ScoreOptions& options) {
  if (!criterion.can_score(kind)) {
    fail("criterion '{}' can't score {}; crescent.prune.criteria() says what each one can",
         criterion.name(), name_of(kind));
  }
  if (criterion.needs_data() && options.data == nullptr) {
    fail("criterion '{}' looks at a text: give data = {{ file = }}, {{ text = }} or {{ ids = }}",
         criterion.name());
  }
}

std::vector<at::Tensor> Criterion::score_weights(const Model&, const ScoreOptions&) const {
  fail("criterion '{}' can't score weights", name());
}

}  // namespace crescent
