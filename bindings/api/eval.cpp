#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

/// Exactly one of the three says what to evaluate on.
std::vector<Option> text_options() {
  return {
      {"file", Kind::text, "", "a text file to read"},
      {"text", Kind::text, "", "the text itself"},
      {"ids", Kind::ids, "", "token ids"},
  };
}

std::vector<Option> perplexity_options() {
  auto options = text_options();
  options.push_back(
      {"window", Value::at_least(Kind::integer, 2), "256", "tokens that a forward pass sees"});
  options.push_back({"stride", Value::at_least(Kind::integer, 1), "128",
                     "how far the next window starts; at most the window"});
  return options;
}

std::vector<Option> agreement_options() {
  auto options = text_options();
  options.push_back({"window", Value::at_least(Kind::integer, 1), "256",
                     "tokens that a forward pass sees; windows don't overlap"});
  return options;
}

}  // namespace

const Subject& eval_subject() {
  static const Subject subject{
      .title = "Evaluating",
      .functions = {
          {.name = "crescent.eval.perplexity",
           .home = Home::engine,
           .doc = "Measures how well the model predicts a text: exp of the mean of -ln p. Windows "
                  "overlap, each sees only itself, and a token counts once, in the first window "
                  "that holds it together with a predecessor. Give exactly one of file, text and "
                  "ids.",
           .args = {{"model", Kind::model, ""}},
           .options = perplexity_options(),
           .returns = "{ perplexity: number, nll_nats: number, tokens: integer, protocol: string }",
           .example = "print(crescent.eval.perplexity(model, { file = 'book.txt' }).perplexity)"},
          {.name = "crescent.eval.agreement",
           .home = Home::engine,
           .doc = "Measures how far a model is from a reference on a text: the mean of "
                  "KL(reference || model) in nats, the share of positions with the same most "
                  "likely token, and the largest difference of a logit beside the spread (standard "
                  "deviation) of the reference's logits. Give exactly one of file, "
                  "text and ids; the model's tokenizer reads text.",
           .args = {{"model", Kind::model, ""}, {"reference", Kind::model, ""}},
           .options = agreement_options(),
           .returns = "{ kl_nats: number, top1: number, max_abs_logit: number, "
                      "logit_spread: number, tokens: integer }",
           .example = "print(crescent.eval.agreement(fast, model, { text = 'In the beginning' }))"},
      }};
  return subject;
}

}  // namespace crescent::api
