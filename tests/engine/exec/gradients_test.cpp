#include <ATen/ops/zeros_like.h>

#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

TEST(Gradients, AreTheReferences) {
  const auto model = load("gpt2");
  const Expected expected("gpt2");
  const auto result = loss_and_gradients(*model, ids_tensor(*model, expected.prompts()[1].ids));
  EXPECT_NEAR(result.loss, expected.json().at("training").at("loss").get<double>(), 1e-5);
  ASSERT_EQ(result.gradients.size(), model->layout().size());
  for (size_t i = 0; i < model->layout().size(); ++i) {
    const at::Tensor theirs = expected.array("grad.transformer." + model->layout()[i].name);
    const double bound = 1e-5 * theirs.abs().max().item<double>() + 1e-7;
    EXPECT_LE(max_abs_difference(result.gradients[i], theirs), bound) << model->layout()[i].name;
  }
}

TEST(Gradients, AreThoseOfTheLossByFiniteDifferencesForLlamaToo) {
  const auto model = load("llama");
  const at::Tensor ids = some_ids(1, 12, model->config().vocab);
  const auto result = loss_and_gradients(*model, ids);
  // Along the gradient itself a small step changes the loss by step * |gradient|^2.
  double squares = 0;
  for (const at::Tensor& g : result.gradients)
    squares += g.to(at::kDouble).pow(2).sum().item<double>();
  const double step = 1e-3 / std::sqrt(squares);
  const auto loss_after = [&](double signed_step) {
    Weights moved(model->config().layers.size());
    for (size_t i = 0; i < model->layout().size(); ++i) {
      const TensorSpec& spec = model->layout()[i];
      moved.set(spec, model->wide().at(spec) + result.gradients[i] * signed_step);
    }
    const auto other = Model::make(model->family(), model->config(), model->layout(), moved, {});
    return loss_and_gradients(*other, ids).loss;
  };
  const double slope = (loss_after(step) - loss_after(-step)) / (2 * step);
  EXPECT_NEAR(slope / squares, 1.0, 0.01);
}

TEST(Gradients, LeaveTheModelsOwnTensorsWithoutAny) {
  const auto model = load("gpt2");
  loss_and_gradients(*model, some_ids(1, 8, model->config().vocab));
  for (const TensorSpec& spec : model->layout()) {
    EXPECT_FALSE(model->wide().at(spec).requires_grad());
    EXPECT_FALSE(model->wide().at(spec).grad().defined());
  }
}

TEST(Gradients, AreRefusedAtOtherLevels) {
  for (const std::string level : {"0", "2"}) {
    const auto model = load("gpt2", std::stoi(level));
    EXPECT_EQ(message_of([&] { loss_and_gradients(*model, some_ids(1, 8, 96)); }),
              "gradients are taken at level 1, this model runs at level " + level +
                  "; use model:optimize { level = 1 }");
  }
}

TEST(Gradients, NeedOneSequenceOfTwoTokensThatFit) {
  const auto model = load("gpt2");
  EXPECT_EQ(message_of([&] { loss_and_gradients(*model, some_ids(2, 8, 96)); }),
            "gradients: expected one sequence, got 2");
  EXPECT_EQ(message_of([&] { loss_and_gradients(*model, some_ids(1, 1, 96)); }),
            "gradients: expected at least 2 tokens (one predicts the next), got 1");
  EXPECT_EQ(message_of([&] { loss_and_gradients(*model, some_ids(1, 49, 96)); }),
            "49 tokens are more than the model's 48 positions");
}

}  // namespace
}  // namespace crescent::test
