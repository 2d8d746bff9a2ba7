#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& store_subject() {
  const Argument store{"store", Kind::store, ""};
  static const Subject subject{
      .title = "The store",
      .functions =
          {{.name = "crescent.store.open",
            .home = Home::core,
            .doc = "Opens a store of runs: one SQLite file that any number of processes may read "
                   "and write at once. Without a path it is the one that --store names, else "
                   "CRESCENT_STORE, else runs.db. What is no store, a newer one or a damaged one "
                   "is refused and left as it is.",
            .args = {{"path", Kind::text, "the file", true}},
            .options = {{"write", Kind::boolean, "false",
                         "allows trimming and SQL that writes, and makes the store if there is "
                         "none"}},
            .returns = "crescent.Store",
            .example = "local store = crescent.store.open 'runs.db'"},
           {.name = "store:runs",
            .home = Home::core,
            .doc = "Lists runs, newest first. Prints as a table.",
            .args = {store},
            .options = {{"name", Kind::text, "", "only runs of this name"},
                        {"kind", Value::one_of({"profile", "bench", "compare", "experiment"}), "",
                         "only runs of this kind"},
                        {"limit", Value::at_least(Kind::integer, 0), "", "at most so many"}},
            .returns = "{ id: integer, kind: string, name: string, model: string, trials: integer, "
                       "status: 'running'|'done'|'incomplete'|'failed'|'killed', started: string, "
                       "started_s: "
                       "number, duration_s: number?, cells: integer?, cells_done: integer? }[]",
            .example = "print(store:runs { limit = 10 })"},
           {.name = "store:run",
            .home = Home::core,
            .doc = "Gives a run with all that is known of it: its options, environment, warnings, "
                   "and its trials, each a row with its Samples by name; `run:rows()` gives these "
                   "rows. Of an experiment it gives a row for each cell of the grid, and raises "
                   "if cells are missing, unless `run:rows { partial = true }`. Nil and the "
                   "reason if there is no such run.",
            .args = {store, {"id", Value::at_least(Kind::integer, 1), "as store:runs lists it"}},
            .returns = "crescent.Run?, string?",
            .example = "print(store:run(12))"},
           {.name = "store:last",
            .home = Home::core,
            .doc = "Gives the newest run, or the newest of a name, as `store:run` does. Nil and "
                   "the reason if there is none.",
            .args = {store, {"name", Kind::text, "of the run", true}},
            .returns = "crescent.Run?, string?",
            .example = "for _, row in ipairs(store:last('heads'):rows()) do print(row.token_ms) "
                       "end"},
           {.name = "store:profile",
            .home = Home::core,
            .doc = "Gives the profile that a run stored, as crescent.profile.run gave it: it "
                   "prints, and traces are written from it. Nil and the reason if there is no "
                   "such run, or it is no profile.",
            .args = {store, {"id", Value::at_least(Kind::integer, 1), "of the run"}},
            .options = {{"trial", Value::at_least(Kind::integer, 1), "",
                         "one trial alone; default: all of them together"}},
            .returns = "crescent.Profile?, string?",
            .example = "crescent.profile.trace(store:profile(12), 'run.json')"},
           {.name = "store:query",
            .home = Home::core,
            .doc = "Runs one statement of SQL and gives its rows, each a table by column; prints "
                   "as a table. `sqlite3 runs.db .schema` shows the tables, with units. Integers "
                   "above 2^53 are strings. Without `write = true` it can't change anything.",
            .args = {store,
                     {"sql", Kind::text, "one statement"},
                     {"parameters", Kind::table,
                      "a list for the places marked ?, names for those marked :name", true}},
            .returns = "table[]",
            .example = "print(store:query('SELECT name, median FROM samples WHERE unit = ?', { "
                       "'ms' }))"},
           {.name = "store:trim",
            .home = Home::core,
            .doc = "Removes runs for good and makes the file smaller. Runs go that meet every "
                   "condition given; at least one is. What is running stays. Needs `write = "
                   "true`, unless it is only to look.",
            .args = {store},
            .options = {{"keep", Value::at_least(Kind::integer, 0), "",
                         "keeps so many of the newest runs"},
                        {"older_than_days", Value::at_least(Kind::number, 0), "",
                         "removes only runs that began so long ago"},
                        {"dry_run", Kind::boolean, "false",
                         "only counts what would go; the bytes are then an estimate"}},
            .returns = "{ runs: integer, trials: integer, bytes: integer, dry_run: boolean, "
                       "warnings: string[] }",
            .example = "print(store:trim { keep = 20, dry_run = true })"},
           {.name = "store:close",
            .home = Home::core,
            .doc = "Closes the store. The collector does it too, later.",
            .args = {store},
            .returns = "",
            .example = "store:close()"}},
      .fields = {{"store.path", "The file.", "string"}},
  };
  return subject;
}

}  // namespace crescent::api
