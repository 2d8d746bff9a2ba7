#pragma once
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "bindings/core/tokenizer.h"
#include "bindings/pressure.h"
#include "bindings/push.h"
#include "engine/exec/session.h"
#include "engine/model/model.h"

namespace crescent {

using ModelHandle = std::shared_ptr<const Model>;
template <>
struct HandleName<ModelHandle> {
  static constexpr const char* value = "Model";
};

/// Counts what a session's cache takes (pressure.h) for as long as it lives.
class CountedSession {
 public:
  explicit CountedSession(int64_t bytes) : bytes_(bytes) { pressure().hold_session(bytes_); }
  ~CountedSession() { pressure().release_session(bytes_); }
  CountedSession(const CountedSession&) = delete;
  CountedSession& operator=(const CountedSession&) = delete;

 private:
  int64_t bytes_;
};

/// A session that Lua owns. A callback can call back into it while it generates, so functions
/// hold the pointer for as long as they run, and those that change it take a `Turn`.
struct OpenSession {
  ModelHandle model;
  std::unique_ptr<Session> session;
  bool busy = false;
  std::optional<CountedSession> counted = {};  ///< where Lua holds it, who can forget it
  int64_t batch = 1;                           ///< how many sequences it holds
};
using SessionHandle = std::shared_ptr<OpenSession>;
template <>
struct HandleName<SessionHandle> {
  static constexpr const char* value = "Session";
};

// One a file of bindings/engine/.
void register_model();
void register_session();
void register_generate();
void register_eval();
void register_bench();
void register_profile();
void register_prune();

void push_model(lua_State* L, ModelHandle model);
/// Pushes a session, and runs the collector first if Lua holds too much.
void push_session(lua_State* L, SessionHandle session);

/// Opens a session; where memory does not suffice, collects and asks once more.
std::unique_ptr<Session> open_session(const Args& args, const ModelHandle& model, int64_t tokens,
                                      int64_t batch = 1);

/// Continues a session with the options of the call and pushes the result.
int push_generated(const Args& args, OpenSession& open, std::span<const int32_t> prompt);

/// The exclusive use of a session for the length of a call.
class Turn {
 public:
  Turn(const Args& args, OpenSession& open) : open_(open) {
    if (open.busy) args.fail("the session is generating; its on_token function can't change it");
    open_.busy = true;
  }
  ~Turn() { open_.busy = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  OpenSession& open_;
};

/// The ids at argument `index`, or an error for an empty list.
std::vector<int32_t> some_ids(const Args& args, int index);

}  // namespace crescent
