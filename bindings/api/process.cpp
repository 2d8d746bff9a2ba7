#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& process_subject() {
  static const Subject subject{
      .title = "The process",
      .functions = {
          {.name = "crescent.threads",
           .home = Home::core,
           .doc = "Gives the number of threads that everything below Lua uses, after setting it if "
                  "one is given. "
                  "The default is what affinity and the cgroup quota allow.",
           .args = {{"n", Value::between(Kind::integer, 1, 1024), "threads from now on", true}},
           .returns = "integer",
           .example = "print(crescent.threads())"},
      }};
  return subject;
}

}  // namespace crescent::api
