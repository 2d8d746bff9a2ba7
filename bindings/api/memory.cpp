#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& memory_subject() {
  static const Subject subject{
      .title = "Memory",
      .functions = {
          {.name = "crescent.memory",
           .home = Home::core,
           .doc =
               "Gives what this process holds: the bytes behind Lua's tensors (by storage, so that "
               "views add nothing), what sessions keep, models as stored, widened, transposed "
               "and packed, the file's bytes that such copies made superfluous, "
               "the Lua heap, and the process as the kernel counts it. What can't be read is nil, "
               "with its "
               "reason in `absent`.",
           .returns =
               "{ tensor_bytes: integer, tensor_storages: integer, tensors: integer, "
               "collect_at_bytes: integer, sessions: integer, session_bytes: integer, "
               "models: integer, model_bytes_stored: integer, "
               "model_bytes_widened: integer, model_bytes_transposed: integer, "
               "model_bytes_packed: integer, model_bytes_given_back: integer, lua_bytes: integer, "
               "rss_bytes: integer, "
               "rss_bytes_peak: integer, pss_bytes: integer?, absent: table<string, string> }",
           .example = "print(crescent.memory())"},
          {.name = "crescent.scope",
           .home = Home::core,
           .doc =
               "Calls a function and frees at once every tensor, model and session that was made "
               "inside it and is not returned, alone or in returned tables; also when it raises. "
               "What was stored elsewhere meanwhile is closed too.",
           .args = {{"fn", Kind::function, "called without arguments"}},
           .returns = "any ...",
           .example = "local best = crescent.scope(function() return (a:matmul(b)):max() end)"},
      }};
  return subject;
}

}  // namespace crescent::api
