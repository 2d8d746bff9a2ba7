#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& help_subject() {
  static const Subject subject{
      .title = "Help",
      .functions = {
          {.name = "crescent.api",
           .home = Home::core,
           .doc = "Gives the tables that this reference is made of: one entry for each native "
                  "function, method and field. `?name` at the prompt and completion read it.",
           .returns = "{ name: string, kind: 'function'|'field', doc: string, args: table[], "
                      "options: table[], returns: string, example: string }[]",
           .example = "for _, entry in ipairs(crescent.api()) do print(entry.name) end"},
          {.name = "crescent.did_you_mean",
           .home = Home::core,
           .doc =
               "Gives \" (did you mean 'ratio'?)\" if a known name is close enough to be a slip, "
               "else an empty string.",
           .args = {{"name", Kind::text, "what was written"},
                    {"known", Kind::table, "a list of names that would have been right"}},
           .returns = "string",
           .example = "print(crescent.did_you_mean('raito', { 'ratio', 'seed' }))"},
          {.name = "crescent.versions",
           .home = Home::core,
           .doc = "Gives the version of crescent and of each library that it is linked with.",
           .returns = "table<string, string>",
           .example = "print(crescent.versions().LuaJIT)"},
      }};
  return subject;
}

}  // namespace crescent::api
