#include "engine/exec/generate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "bindings/callback.h"
#include "bindings/engine/handles.h"
#include "bindings/observing.h"

namespace crescent {
namespace {

/// The model's tokenizer, or why it has none. Generating from ids needs none.
struct MaybeTokenizer {
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string reason;
};

MaybeTokenizer find_tokenizer(const Model& model) {
  try {
    return {model.tokenizer(), ""};
  } catch (const Error& error) {
    return {nullptr, error.what()};
  }
}

std::vector<std::string> stop_texts(const Args& args) {
  lua_State* L = args.L();
  std::vector<std::string> texts;
  const auto take = [&] {
    if (lua_type(L, -1) != LUA_TSTRING)
      args.bad("stop", "a string or a list of strings", describe(L, -1));
    size_t length;
    const char* text = lua_tolstring(L, -1, &length);
    if (length == 0) args.bad("stop", "a text of at least one character", "''");
    texts.emplace_back(text, length);
  };
  args.push("stop");
  if (lua_istable(L, -1)) {
    const int list = lua_gettop(L);
    for (int i = 1; i <= static_cast<int>(lua_objlen(L, list)); ++i) {
      lua_rawgeti(L, list, i);
      take();
      lua_pop(L, 1);
    }
  } else if (!lua_isnil(L, -1)) {
    take();
  }
  lua_pop(L, 1);
  return texts;
}

/// At temperature 0 nothing is drawn: what tells how to draw would be ignored without a word.
void refuse_idle_sampling(const Args& args) {
  if (args.number("temperature") > 0) return;
  for (const char* name : {"top_k", "top_p", "seed"})
    if (args.given(name))
      args.bad(name, "a temperature > 0 beside it, since only then tokens are drawn",
               "temperature = 0");
}

GenerateOptions read_options(const Args& args) {
  refuse_idle_sampling(args);
  GenerateOptions options;
  options.tokens = args.integer("tokens");
  options.sampling = {.temperature = args.number("temperature"),
                      .top_k = args.integer("top_k"),
                      .top_p = args.number("top_p"),
                      .repetition_penalty = args.number("repetition_penalty"),
                      .seed = static_cast<uint64_t>(args.number("seed"))};
  options.stop = stop_texts(args);
  options.ignore_eos = args.boolean("ignore_eos");
  if (!args.has("on_token")) return options;
  args.push("on_token");
  const Callback callback(args.L(), -1);
  lua_pop(args.L(), 1);
  options.on_token = [callback](std::string_view text, int32_t id) {
    lua_State* L = callback.state();
    callback.call(1, [&](lua_State*) {
      push(L, text);
      push(L, id);
      return 2;
    });
    const bool stop = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    lua_pop(L, 1);
    return !stop;
  };
  return options;
}

int model_generate(Args& args) {
  const ModelHandle model = args.handle<ModelHandle>(1);
  std::vector<int32_t> prompt;
  if (lua_type(args.L(), 2) == LUA_TSTRING) {
    if (args.text(2).empty()) args.bad(2, "a prompt of at least one token", "''");
    const SectionSpan span(active_observer(), Section::tokenize);
    prompt = model->tokenizer()->encode(args.text(2), {.special = true});
  } else {
    prompt = some_ids(args, 2);
  }
  const int64_t positions = model->config().positions_max;
  const auto length = static_cast<int64_t>(prompt.size());
  if (length > positions)
    args.bad(2, fmt::format("at most {} tokens (the model's positions)", positions),
             fmt::format("{}", length));
  const int64_t capacity = std::min(positions, length + args.integer("tokens"));
  OpenSession open{model, open_session(args, model, capacity)};
  return push_generated(args, open, prompt);
}

}  // namespace

int push_generated(const Args& args, OpenSession& open, std::span<const int32_t> prompt) {
  const Turn turn(args, open);
  GenerateOptions options = read_options(args);
  options.observer = active_observer(open.model);
  const MaybeTokenizer text = find_tokenizer(*open.model);
  if (!text.tokenizer && !options.stop.empty())
    args.bad("stop", "a model with a tokenizer", fmt::format("one without ({})", text.reason));
  const Generated made = generate(*open.session, prompt, options, text.tokenizer.get());

  lua_State* L = args.L();
  NewTable table(L);
  if (text.tokenizer) table.set("text", made.text);
  else table.absent("text", text.reason);
  push_ids(L, made.ids);
  table.take("ids");
  table.set("prompt_tokens", made.prompt_tokens);
  table.set("new_tokens", made.ids.size());
  table.set("ttft_ms", static_cast<double>(made.ttft_ns) / 1e6);
  table.set("decode_ms", static_cast<double>(made.decode_ns) / 1e6);
  if (made.ids.size() > 1 && made.decode_ns > 0)
    table.set("tokens_per_s",
              static_cast<double>(made.ids.size() - 1) * 1e9 / static_cast<double>(made.decode_ns));
  else table.absent("tokens_per_s", "needs at least two new tokens");
  table.set("stopped_by", name_of(made.stopped_by));
  set_result(L, "generated");
  return 1;
}

void register_generate() { provide({{"model:generate", model_generate}}); }

}  // namespace crescent
