#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

std::vector<Option> generate_options() {
  return {
      {"tokens", Value::at_least(Kind::integer, 1), "100", "at most so many new tokens"},
      {"temperature", Value::at_least(Kind::number, 0), "0",
       "0 takes the most likely token each time; drawing, and with it top_k, top_p and seed, needs "
       "more"},
      {"top_k", Value::at_least(Kind::integer, 0), "0",
       "draws from so many of the most likely; 0: from all"},
      {"top_p",
       [] {
         Value share = Value::between(Kind::number, 0, 1);
         share.low_open = true;
         return share;
       }(),
       "1", "draws from the smallest set whose probability reaches it"},
      {"repetition_penalty", Value::above(Kind::number, 0), "1",
       "over 1 makes tokens that were there before less likely"},
      {"seed", Value::between(Kind::integer, 0, 9007199254740992.0), "1", "of the drawing"},
      {"stop", Kind::any, "",
       "a text, or a list of texts: generation ends as soon as one of them stands in the new text; "
       "it and what follows it are left out of the result's text, and stopped_by is 'stop'"},
      {"ignore_eos", Kind::boolean, "false", "goes on past an end-of-text token"},
      {"on_token", Kind::function, "",
       "called with each complete piece of text and the id that completed it; returning false "
       "ends the generation"},
  };
}

constexpr std::string_view kGenerated =
    "{ text: string?, ids: integer[], prompt_tokens: integer, new_tokens: integer, ttft_ms: "
    "number, decode_ms: number, tokens_per_s: number?, stopped_by: string }";

std::vector<Function> functions() {
  const Argument model{"model", Kind::model, ""};
  const Argument session{"session", Kind::session, ""};
  return {
      {.name = "model:forward",
       .home = Home::engine,
       .doc = "Runs token ids through the model and gives the logits (T, V). A list of id lists "
              "of equal length is a batch and gives (B, T, V). With `hidden` or `attention` it "
              "gives a table of tensors instead: logits, hidden (L + 1 of them: what enters the "
              "first layer, then what leaves each), last_hidden (what the head reads), attention "
              "(L of (H, T, T)); a batch puts B in front of each.",
       .args = {model, {"ids", Kind::ids, "token ids, or a list of lists of them"}},
       .options = {{"last", Kind::boolean, "false", "logits of the last position alone, (1, V)"},
                   {"hidden", Kind::boolean, "false", "also gives the hidden states"},
                   {"attention", Kind::boolean, "false", "also gives the attention probabilities"}},
       .returns = "crescent.Tensor",
       .example = "local logits = model:forward(model.tokenizer:encode('In the beginning'))"},
      {.name = "model:generate",
       .home = Home::engine,
       .doc = "Continues a prompt. Times are of this one run; use crescent.bench to measure.",
       .args = {model, {"prompt", Kind::text_or_ids, "text, or token ids"}},
       .options = generate_options(),
       .returns = kGenerated,
       .example = "print(model:generate('And it came to pass', { tokens = 20 }).text)"},
      {.name = "model:session",
       .home = Home::engine,
       .doc =
           "Opens a growing sequence, or a batch of equally long ones, that keeps what the level "
           "keeps between calls.",
       .args = {model},
       .options = {{"tokens", Value::at_least(Kind::integer, 1), "",
                    "the most that it will ever hold; default: all positions of the model"},
                   {"batch", Value::between(Kind::integer, 1, 1024), "1",
                    "how many sequences grow side by side"}},
       .returns = "crescent.Session",
       .example = "local session = model:session { tokens = 512 }"},
      {.name = "session:feed",
       .home = Home::engine,
       .doc = "Appends token ids and gives the logits of the new positions, (T, V). A session of "
              "several sequences takes a list of id lists of equal length, one for each, and gives "
              "(B, T, V). If they don't fit, that is an error and nothing is changed.",
       .args = {session, {"ids", Kind::ids, "token ids, or a list of lists of them"}},
       .options = {{"last", Kind::boolean, "false", "logits of the last position alone, (1, V)"}},
       .returns = "crescent.Tensor",
       .example = "local logits = session:feed({ 296, 354 })"},
      {.name = "session:generate",
       .home = Home::engine,
       .doc = "Continues what a session of one sequence holds; feed a prompt first.",
       .args = {session},
       .options = generate_options(),
       .returns = kGenerated,
       .example = "print(session:generate { tokens = 20 }.text)"},
      {.name = "session:truncate",
       .home = Home::engine,
       .doc = "Forgets all but the first n tokens.",
       .args = {session, {"n", Value::at_least(Kind::integer, 0), "tokens to keep"}},
       .returns = "",
       .example = "session:truncate(2)"},
      {.name = "session:close",
       .home = Home::engine,
       .doc = "Gives the cache's memory back at once.",
       .args = {session},
       .returns = "",
       .example = "session:close()"},
  };
}

}  // namespace

const Subject& running_subject() {
  static const Subject subject{
      .title = "Running",
      .functions = functions(),
      .fields = {
          {"session.length", "How many tokens it holds.", "integer"},
          {"session.capacity", "The most tokens that it can hold.", "integer"},
          {"session.bytes", "What its cache takes; 0 at level 0, which keeps ids alone.",
           "integer"},
          {"session.ids",
           "The ids that it holds, as a new list; of the first of several sequences.", "integer[]"},
          {"session.model", "The model that it runs.", "crescent.Model"},
      }};
  return subject;
}

}  // namespace crescent::api
