#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& sweep_subject() {
  const Argument sweep{"sweep", Kind::sweep, ""};
  const Argument cell{"cell", Value::at_least(Kind::integer, 1), "as sweep:declare gives its id"};
  const Option duration{"duration_ms", Value::at_least(Kind::number, 0), "0", "what it took"};
  static const Subject subject{
      .title = "Cells of experiments",
      .functions =
          {{.name = "crescent.store.sweep",
            .home = Home::core,
            .doc = "Takes the newest run of an experiment of that name, version and options, or "
                   "begins one: what crescent.experiment is made of. Every call of its methods is "
                   "on disk when it returns. An error where a living process works on that run, "
                   "and where the name is that of another script's experiment.",
            .args = {{"name", Kind::text, "of the experiment"}},
            .options = {{"version", Value::at_least(Kind::integer, 0), "1", "as its author counts"},
                        {"options", Kind::text, "'{}'", "JSON: all values, to be shown"},
                        {"identity", Kind::text, "'{}'",
                         "JSON: those that make it another experiment"},
                        {"model", Kind::text, "", "as it prints"},
                        {"model_hash", Kind::text, "", "of weights and description"},
                        {"store", Kind::any, "", "a path; default: as crescent.store.open"},
                        {"fresh", Kind::boolean, "false", "a new run in any case"},
                        {"accept", Kind::boolean, "false",
                         "also where the last run of that name is another script's"},
                        {"take_over", Kind::boolean, "false",
                         "also where another process seems to work on it"}},
            .returns = "crescent.Sweep",
            .example = "local sweep = crescent.store.sweep('heads', { version = 2 })"},
           {.name = "sweep:declare",
            .home = Home::core,
            .doc = "Says which cells the grid has, whole and in order, and gives what the store "
                   "knows of each.",
            .args = {sweep,
                     {"cells", Kind::table, "a list of { identity, point, model, model_hash }"}},
            .options = {{"rounds", Value::at_least(Kind::integer, 1), "1",
                         "so many make a cell done"}},
            .returns = "{ id: integer, identity: string, status: string, attempts: integer, "
                       "results: table[] }[]"},
           {.name = "sweep:begin",
            .home = Home::core,
            .doc = "Marks a cell as running.",
            .args = {sweep, cell},
            .returns = ""},
           {.name = "sweep:finish",
            .home = Home::core,
            .doc = "Stores what a round of a cell gave; with `last` the cell is done.",
            .args = {sweep, cell},
            .options = {{"round", Value::at_least(Kind::integer, 1), "1", "which one"},
                        {"last", Kind::boolean, "true", "no round of the cell is left"},
                        {"row", Kind::text, "", "the figures as JSON", true},
                        {"samples", Kind::table, "", "Samples by name"},
                        {"text", Kind::text, "", "hash of the script's text", true},
                        {"build", Kind::text, "", "of crescent and LibTorch", true},
                        {"candidate", Kind::text, "", "the point, for people"},
                        duration},
            .returns = ""},
           {.name = "sweep:fail",
            .home = Home::core,
            .doc = "Stores why a cell failed.",
            .args = {sweep, cell},
            .options = {{"message", Kind::text, "", "what went wrong", true},
                        {"traceback", Kind::text, "", "where it did"},
                        {"output", Kind::text, "", "its last lines"},
                        duration},
            .returns = ""},
           {.name = "sweep:text",
            .home = Home::core,
            .doc = "Keeps a script's text under its hash.",
            .args = {sweep, {"hash", Kind::text, ""}, {"files", Kind::text, "JSON by module"}},
            .returns = ""},
           {.name = "sweep:warn",
            .home = Home::core,
            .doc = "Adds a warning to the run.",
            .args = {sweep, {"text", Kind::text, ""}},
            .returns = ""},
           {.name = "sweep:close",
            .home = Home::core,
            .doc = "Ends this process's work on the run. What was running is stale then.",
            .args = {sweep},
            .options = {{"status", Value::one_of({"done", "failed", "killed"}), "'done'",
                         "how it ended"}},
            .returns = ""},
           {.name = "crescent.store.merge",
            .home = Home::core,
            .doc = "Takes into a store what another one has and it has not; that one stays as it "
                   "is. Runs of an experiment are joined cell by cell, where one that is done "
                   "wins. Merging again, or in another order, gives the same. `crescent merge` "
                   "does it from the command line.",
            .args = {{"into", Kind::text, "a store, made if there is none"},
                     {"from", Kind::text, "a store"}},
            .returns = "{ runs_added: integer, runs_joined: integer, cells: integer, trials: "
                       "integer, warnings: string[] }",
            .example = "print(crescent.store.merge('all.db', 'part1.db'))"}},
      .fields = {{"sweep.run", "The number of its run.", "integer"},
                 {"sweep.path", "The store's file.", "string"},
                 {"sweep.resumed", "Whether the run was there before.", "boolean"}},
  };
  return subject;
}

}  // namespace crescent::api
