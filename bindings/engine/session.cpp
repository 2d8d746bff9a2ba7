#include "engine/exec/session.h"

#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include "bindings/engine/handles.h"
#include "bindings/engine/out_of_memory.h"
#include "bindings/engine/tensor.h"
#include "bindings/observing.h"
#include "engine/exec/forward.h"

namespace crescent {
namespace {

/// Held by value for as long as a function runs: a callback may close the handle meanwhile.
SessionHandle session_of(const Args& args) { return args.handle<SessionHandle>(1); }

struct Input {
  at::Tensor ids;  // (B, T)
  bool batch = false;
};

/// A list of lists of equal length. @throws ArgError naming the first one that differs.
at::Tensor batch_ids(const Args& args, const Model& model) {
  lua_State* L = args.L();
  const auto count = static_cast<int>(lua_objlen(L, 2));
  std::vector<at::Tensor> rows;
  for (int row = 1; row <= count; ++row) {
    lua_rawgeti(L, 2, row);
    if (!lua_istable(L, -1))
      args.bad(2, "a list of lists of token ids",
               fmt::format("{} at position {}", describe(L, -1), row));
    const auto ids = read_ids(
        L, lua_gettop(L), fmt::format("{}: {}, list {}", args.function().name, args.place(2), row));
    lua_pop(L, 1);
    if (ids.empty())
      args.bad(2, "lists of at least one token id", fmt::format("an empty list {}", row));
    rows.push_back(ids_tensor(model, ids));
    if (rows.back().size(1) != rows.front().size(1))
      args.bad(2, fmt::format("lists of equal length (the first has {} ids)", rows.front().size(1)),
               fmt::format("{} in list {}", rows.back().size(1), row));
  }
  return at::cat(rows, 0);
}

Input read_input(const Args& args, const Model& model) {
  lua_State* L = args.L();
  lua_rawgeti(L, 2, 1);
  const bool batch = lua_istable(L, -1);
  lua_pop(L, 1);
  if (batch) return {batch_ids(args, model), true};
  return {ids_tensor(model, some_ids(args, 2)), false};
}

void push_tensors(lua_State* L, const std::vector<at::Tensor>& tensors, bool batch) {
  NewTable list(L);
  for (const at::Tensor& tensor : tensors) {
    push_tensor(L, batch ? tensor : tensor.squeeze(0));
    list.take_next();
  }
}

int model_forward(Args& args) {
  lua_State* L = args.L();
  const ModelHandle model = args.handle<ModelHandle>(1);
  const Input input = read_input(args, *model);
  const auto shaped = [&](const at::Tensor& t) { return input.batch ? t : t.squeeze(0); };
  const bool last = args.boolean("last");
  const CaptureOptions capture{.hidden = args.boolean("hidden"),
                               .attention = args.boolean("attention")};
  if (!capture.hidden && !capture.attention) {
    Observer* const observer = active_observer(model);
    const SectionSpan span(
        observer, Section::prefill,
        {.tokens = static_cast<int32_t>(input.ids.numel()),
         .logits = static_cast<int32_t>(last ? input.ids.size(0) : input.ids.numel())});
    const at::Tensor logits = with_memory(args, [&] {
      return forward(*model, input.ids, {.last_only = last, .observer = observer});
    });
    push_tensor(L, shaped(logits));
    return 1;
  }
  const Captured captured =
      with_memory(args, [&] { return forward_captured(*model, input.ids, capture); });
  const int64_t tokens = captured.logits.size(1);
  NewTable table(L);
  push_tensor(L, shaped(last ? captured.logits.narrow(1, tokens - 1, 1) : captured.logits));
  table.take("logits");
  if (capture.hidden) {
    push_tensors(L, captured.hidden, input.batch);
    table.take("hidden");
    push_tensor(L, shaped(captured.last_hidden));
    table.take("last_hidden");
  }
  if (capture.attention) {
    push_tensors(L, captured.attention, input.batch);
    table.take("attention");
  }
  set_result(L, "captured");
  return 1;
}

int model_session(Args& args) {
  const ModelHandle model = args.handle<ModelHandle>(1);
  const int64_t positions = model->config().positions_max;
  const int64_t tokens = args.has("tokens") ? args.integer("tokens") : positions;
  if (tokens > positions)
    args.bad("tokens", fmt::format("1 .. {} (the model's positions)", positions),
             fmt::format("{}", tokens));
  const auto open = std::make_shared<OpenSession>();
  open->model = model;
  open->batch = args.integer("batch");
  open->session = open_session(args, model, tokens, open->batch);
  push_session(args.L(), open);
  return 1;
}

int session_feed(Args& args) {
  const SessionHandle open = session_of(args);
  const Turn turn(args, *open);
  const Input input = read_input(args, *open->model);
  Observer* const observer = active_observer(open->model);
  const auto tokens = static_cast<int32_t>(input.ids.numel());
  const SectionSpan span(
      observer, input.ids.size(1) == 1 ? Section::decode : Section::prefill,
      {.tokens = tokens,
       .past = static_cast<int32_t>(open->session->length()),
       .logits = args.boolean("last") ? static_cast<int32_t>(input.ids.size(0)) : tokens});
  const at::Tensor logits =
      open->session->feed(input.ids, {.last_only = args.boolean("last"), .observer = observer});
  push_tensor(args.L(), input.batch ? logits : logits.squeeze(0));
  return 1;
}

int session_generate(Args& args) {
  const SessionHandle open = session_of(args);
  if (open->batch > 1)
    args.fail(
        fmt::format("the session holds {} sequences, and only one can be continued: feed "
                    "them token by token",
                    open->batch));
  if (open->session->length() == 0)
    args.fail("the session is empty: feed it a prompt of at least one token first");
  return push_generated(args, *open, {});
}

int session_truncate(Args& args) {
  const SessionHandle open = session_of(args);
  const Turn turn(args, *open);
  const int64_t length = args.integer(2);
  if (length > open->session->length())
    args.bad(2, fmt::format("0 .. {} (what it holds)", open->session->length()),
             fmt::format("{}", length));
  open->session->truncate(length);
  return 0;
}

int session_close(Args& args) {
  test_handle<SessionHandle>(args.L(), 1)->reset();
  return 0;
}

int session_length(Args& args) { return give(args, session_of(args)->session->length()); }
int session_capacity(Args& args) { return give(args, session_of(args)->session->capacity()); }
int session_bytes(Args& args) { return give(args, session_of(args)->session->bytes()); }
int session_ids(Args& args) {
  push_ids(args.L(), session_of(args)->session->ids());
  return 1;
}
int session_model(Args& args) {
  push_model(args.L(), session_of(args)->model);
  return 1;
}

int session_tostring(lua_State* L) {
  const auto* box = test_handle<SessionHandle>(L, 1);
  if (!box || !*box) {
    push(L, "closed session");
    return 1;
  }
  const Session& session = *(**box)->session;
  push(L, fmt::format("session  {} of {} tokens  {}", session.length(), session.capacity(),
                      words_of(session.model().options())));
  return 1;
}

}  // namespace

std::vector<int32_t> some_ids(const Args& args, int index) {
  auto ids = args.ids(index);
  if (ids.empty()) args.bad(index, "at least one token id", "an empty list");
  return ids;
}

void push_session(lua_State* L, SessionHandle session) {
  session->counted.emplace(session->session->bytes() + session->session->arena_bytes());
  collect_if_due(L);
  push_handle<SessionHandle>(L, std::move(session));
}

std::unique_ptr<Session> open_session(const Args& args, const ModelHandle& model, int64_t tokens,
                                      int64_t batch) {
  return with_memory(args, [&] { return Session::open(model, batch, tokens); });
}

void register_session() {
  provide({
      {"model:forward", model_forward},
      {"model:session", model_session},
      {"session:feed", session_feed},
      {"session:generate", session_generate},
      {"session:truncate", session_truncate},
      {"session:close", session_close},
  });
  provide_fields({
      {"session.length", session_length},
      {"session.capacity", session_capacity},
      {"session.bytes", session_bytes},
      {"session.ids", session_ids},
      {"session.model", session_model},
  });
  provide_metamethod("Session", "__tostring", &guarded<session_tostring>);
}

}  // namespace crescent
