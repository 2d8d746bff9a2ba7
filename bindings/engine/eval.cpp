#include <fmt/format.h>

#include <string>

#include "bindings/engine/handles.h"
#include "bindings/engine/text_source.h"
#include "engine/eval/perplexity.h"

namespace crescent {
namespace {

/// What is evaluated on: exactly one of file, text and ids.
std::vector<int32_t> evaluated_ids(const Args& args, const Model& model) {
  std::string given;
  int count = 0;
  for (const char* name : {"file", "text", "ids"}) {
    if (!args.has(name)) continue;
    given += fmt::format("{}'{}'", count++ == 0 ? "" : " and ", name);
  }
  if (count != 1)
    args.fail(fmt::format("expected exactly one of the options 'file', 'text' and 'ids', got {}",
                          count == 0 ? "none" : given));
  if (args.has("ids")) return args.ids("ids");
  const std::string text =
      args.has("text") ? args.text("text") : read_text_file(args, "file", args.text("file"));
  return model.tokenizer()->encode(text, {.special = false});
}

int eval_perplexity(Args& args) {
  lua_State* L = args.L();
  const ModelHandle model = args.handle<ModelHandle>(1);
  const auto ids = evaluated_ids(args, *model);
  const PerplexityOptions options{.window = args.integer("window"),
                                  .stride = args.integer("stride")};
  const Perplexity result = perplexity(*model, ids, options);
  NewTable table(L);
  table.set("perplexity", result.perplexity);
  table.set("nll_nats", result.nll_nats);
  table.set("tokens", result.tokens);
  table.set("protocol",
            fmt::format("window {}, stride {}, each target once in the first window that holds it "
                        "with a predecessor, {}, float32{}",
                        options.window, options.stride, words_of(model->options()),
                        model->options().storage.is_narrow() ? " activations" : ""));
  set_result(L, "perplexity");
  return 1;
}

int eval_agreement(Args& args) {
  lua_State* L = args.L();
  const ModelHandle model = args.handle<ModelHandle>(1), reference = args.handle<ModelHandle>(2);
  const auto ids = evaluated_ids(args, *model);
  const Agreement result = agreement(*model, *reference, ids, {.window = args.integer("window")});
  NewTable table(L);
  table.set("kl_nats", result.kl_nats);
  table.set("top1", result.top1);
  table.set("max_abs_logit", result.max_abs_logit);
  table.set("logit_spread", result.logit_spread);
  table.set("tokens", result.tokens);
  set_result(L, "agreement");
  return 1;
}

}  // namespace

void register_eval() {
  provide({
      {"crescent.eval.perplexity", eval_perplexity},
      {"crescent.eval.agreement", eval_agreement},
  });
}

}  // namespace crescent
