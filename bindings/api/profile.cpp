#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

std::vector<Option> with_spec(std::vector<Option> options) {
  const std::vector<Option> spec{
      {"mode", Value::one_of({"minimal", "standard", "deep", "custom"}), "'standard'",
       "minimal: sections; standard: layers, components, activation statistics, memory and "
       "counters too; deep: operations, attention, gates and norms too; custom: what `collect` "
       "names"},
      {"collect", Kind::table, "",
       "for mode = 'custom': a list of 'layers', 'components', 'operations', 'activations', "
       "'attention' (a head's entropy, largest weight and sparsity), 'entropy' (that alone), "
       "'gates', 'norms', 'memory', 'counters'"},
      {"every", Kind::table, "",
       "{ token = 4, layer = 2 } looks into every fourth decode step and every second layer only; "
       "what was left out is scaled up and marked as estimated"},
      {"threshold", Value::above(Kind::number, 0), "0.001", "activations below it count as small"},
      {"attention_threshold", Value::above(Kind::number, 0), "0.001",
       "attention weights below it count as nothing"},
  };
  options.insert(options.end(), spec.begin(), spec.end());
  return options;
}

std::vector<Option> run_options() {
  return with_spec({
      {"prompt", Kind::text_or_ids, "", "text, or token ids; default: 32 random ids"},
      {"tokens", Value::at_least(Kind::integer, 1), "50", "new tokens of each trial, greedy"},
      {"trials", Value::between(Kind::integer, 1, 100000), "1", "so many generations"},
      {"cost_s", Value::at_least(Kind::number, 0), "2",
       "spends so many seconds on finding out what profiling costs, by decode steps with and "
       "without it in turn; 0: leaves that out"},
      {"idle_s", Value::at_least(Kind::number, 0), "1",
       "where energy can be read: measures what the idle machine takes for so long beforehand"},
      {"power_trace", Kind::text, "",
       "replays power from a file of lines `TIME_S WATTS` in place of a sensor; what comes of it "
       "is "
       "marked as estimated"},
      {"store", Kind::any, "", "keeps it in a store: a path, or true for the default one"},
      {"name", Kind::text, "", "of the run in the store; default: 'profile'"},
      {"on_event", Kind::function, "",
       "called while it runs with { event = 'section', section, tokens, past, time_ms } and "
       "{ event = 'token', index, id, text }, each section before the token that it led to; "
       "returning false ends the run. Its time belongs to no section"},
  });
}

}  // namespace

const Subject& profile_subject() {
  const Argument profiling{"profiling", Kind::profiling, ""};
  const Argument name{"name", Kind::text, "of the window"};
  static const Subject subject{
      .title = "Profiling",
      .functions = {
          {.name = "crescent.profile.run",
           .home = Home::engine,
           .doc = "Profiles a generation: where its time goes, by section, layer, component and "
                  "operation. Every tree adds up to 100 %: what no part accounts for is its "
                  "'self', the profiler's own work is 'profiling'. A run before it, which isn't "
                  "recorded, widens weights and wakes threads. The result prints as a tree "
                  "summed over layers, with the share of this machine's limit that each part "
                  "reaches; `tree` has all layers, `profile:rows()` gives the summary as rows; "
                  "`statistics`, `memory` and `counters` are plain tables.",
           .args = {{"model", Kind::model, ""}},
           .options = run_options(),
           .returns = "crescent.Profile",
           .example = "print(crescent.profile.run(model, { mode = 'deep', prompt = 'In the', "
                      "tokens = 50 }))"},
          {.name = "crescent.profile.session",
           .home = Home::engine,
           .doc = "Opens a profile of whatever a script does: loading, tokenizing, generating, "
                  "forward passes, inside of its windows. Nothing is recorded while no window is "
                  "open.",
           .options = with_spec({}),
           .returns = "crescent.Profiling",
           .example = "local profiling = crescent.profile.session { mode = 'minimal' }"},
          {.name = "profiling:window",
           .home = Home::engine,
           .doc = "Runs a function inside a window of that name and gives what it returns. Windows "
                  "nest. One that an error leaves is closed and marked, and the error goes on.",
           .args = {profiling, name, {"run", Kind::function, "the function"}},
           .returns = "any",
           .example = "profiling:window('answer', function() model:generate('In the') end)"},
          {.name = "profiling:enter",
           .home = Home::engine,
           .doc = "Opens a window until profiling:leave: for the prompt, where a function is too "
                  "much to type.",
           .args = {profiling, name},
           .returns = "nil"},
          {.name = "profiling:leave",
           .home = Home::engine,
           .doc = "Closes the innermost window, which must have that name.",
           .args = {profiling, name},
           .returns = "nil"},
          {.name = "profiling:finish",
           .home = Home::engine,
           .doc = "Ends the profile and gives it. Windows that are still open are closed and "
                  "marked.",
           .args = {profiling},
           .returns = "crescent.Profile",
           .example = "print(profiling:finish())"},
          {.name = "profiling:close",
           .home = Home::engine,
           .doc = "Throws away what was recorded.",
           .args = {profiling},
           .returns = "nil"},
          {.name = "crescent.profile.trace",
           .doc = "Writes a profile, or a trial of a stored run, as a timeline in Chrome's trace "
                  "format: Perfetto, chrome://tracing and speedscope open it. Of several trials "
                  "it is the last. Counters are tracks of their own.",
           .args = {{"profile", Kind::table, "a profile"}, {"path", Kind::text, "the file, .json"}},
           .options = {{"bytes_max", Value::at_least(Kind::integer, 4096), "268435456",
                        "a larger file leaves out operations, then components, then layers, and "
                        "says so"}},
           .returns = "{ path: string, bytes: integer, spans: integer, rolled_up: string }",
           .example = "crescent.profile.trace(profile, 'answer.json')"},
          {.name = "crescent.profile.folded",
           .doc = "Writes a profile as folded stacks for flame graphs; speedscope opens them.",
           .args = {{"profile", Kind::table, "a profile"}, {"path", Kind::text, "the file"}},
           .options = {{"weight", Value::one_of({"time", "bytes", "flops"}), "'time'",
                        "what a stack's width stands for: ns, bytes or FLOPs"}},
           .returns = "{ path: string, weight: string }",
           .example = "crescent.profile.folded(profile, 'answer.folded')"},
      }};
  return subject;
}

}  // namespace crescent::api
