#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

std::vector<Option> plan_options() {
  const Value ratio = Kind::any;
  return {
      {"what", Kind::any, "'heads'",
       "'heads', 'neurons', 'layers' or 'weights', or a list of them"},
      {"ratio", ratio, "",
       "share of the units that go, 0 .. 1; several kinds: of their parameters together, or "
       "{ heads = 0.3, neurons = 0.2 }"},
      {"count", Value::at_least(Kind::integer, 0), "", "so many units"},
      {"list", Kind::table, "", "{ { layer, head }, ... }, or layer numbers"},
      {"params_max", Value::at_least(Kind::integer, 1), "", "parameters that may be left"},
      {"bytes_max", Value::at_least(Kind::integer, 1), "", "bytes of weights that may be left"},
      {"per", Value::one_of({"model", "layer", "row"}), "'model'",
       "where the lowest are looked for: in the whole model, in each layer (for weights, each "
       "matrix), or, for weights alone, in each output row"},
      {"criterion", Kind::any, "'magnitude'",
       "the name of a criterion, or { name = weight, ... } for a weighted mean of ranks; "
       "crescent.prune.criteria() lists them"},
      {"data", Kind::table, "",
       "{ file =, text = or ids =, tokens = 2048, window = 128 }: what a criterion looks at"},
      {"protect_layers", Kind::table, "", "layers that lose nothing"},
      {"keep_heads_min", Value::at_least(Kind::integer, 0), "1",
       "heads that every layer keeps; 0 allows a layer whose attention is its output bias alone"},
      {"groups", Kind::boolean, "false",
       "heads that share a key/value head go together, and it with them"},
      {"pattern", Value::one_of({"none", "2:4"}), "'none'",
       "for weights: of every four along the input the two lowest"},
      {"seed", Value::between(Kind::integer, 0, 9007199254740992.0), "1", "of criterion 'random'"},
      {"steps", Value::between(Kind::integer, 1, 1000), "1",
       "goes there in so many parts, scoring what is left before each"},
      {"between", Kind::function, "",
       "called with the model so far and the step's number after every step but the last; may "
       "return a model of the same shape to go on from"},
  };
}

std::vector<Function> functions() {
  const Argument plan{"plan", Kind::plan, ""};
  const Argument model{"model", Kind::model, ""};
  const Argument other{"model", Kind::model, "another model with the same hash", true};
  return {
      {.name = "crescent.prune.plan",
       .home = Home::engine,
       .doc = "Scores the units of a model and says which are to go, without changing anything. "
              "Exactly one of ratio, count, list, params_max and bytes_max says how much. Cost: "
              "that of the criterion; `ablation` runs the data once for every unit.",
       .args = {model},
       .options = plan_options(),
       .returns = "crescent.Plan",
       .example = "local plan = crescent.prune.plan(model, { what = 'heads', ratio = 0.3 })"},
      {.name = "crescent.prune.load",
       .home = Home::engine,
       .doc = "Reads a plan that plan:save wrote. A model of another hash is refused.",
       .args = {{"path", Kind::text, ""}, model},
       .returns = "crescent.Plan",
       .example = "local plan = crescent.prune.load('plan.json', model)"},
      {.name = "crescent.prune.criterion",
       .home = Home::engine,
       .doc = "Adds a criterion of your own. `score` gets a unit { kind, layer, index } with "
              "weights (a head's q, k, v and o, a neuron's up, gate and down, a layer's tensors by "
              "name), gradients (the same of the mean loss) and activations (output; for a layer "
              "input too), as far as `needs` names them, and returns a number or a tensor of one "
              "element: higher survives. A name that is taken is an error in a script, and "
              "replaced with a notice at the prompt.",
       .args = {{"name", Kind::text, ""}},
       .options = {{"score", Kind::function, "", "function(unit) -> number", true},
                   {"needs", Kind::table, "", "out of 'weights', 'activations', 'gradients'"},
                   {"doc", Kind::text, "''", "what crescent.prune.criteria() shows"}},
       .returns = "",
       .example = "crescent.prune.criterion('output', { needs = { 'weights' }, score = "
                  "function(head) return head.weights.o:norm() end })"},
      {.name = "crescent.prune.criteria",
       .home = Home::engine,
       .doc = "Lists all criteria: what they measure, where they are from, what they can score.",
       .returns = "{ name: string, needs_data: boolean, kinds: string[], doc: string }[]",
       .example = "print(crescent.prune.criteria())"},
      {.name = "plan:apply",
       .home = Home::engine,
       .doc = "Gives the pruned model: the slices of all matrices and biases are gone. What loses "
              "nothing shares storage with the model, which is unchanged. Cost: a copy of what "
              "is left of the sliced tensors.",
       .args = {plan, other},
       .returns = "crescent.Model",
       .example = "local smaller = plan:apply()"},
      {.name = "plan:mask",
       .home = Home::engine,
       .doc = "Gives the same function with the weights still there: what the units put out is "
              "multiplied by zero.",
       .args = {plan, other},
       .returns = "crescent.Model",
       .example = "local masked = plan:mask()"},
      {.name = "plan:save",
       .home = Home::engine,
       .doc = "Writes the plan as JSON.",
       .args = {plan, {"path", Kind::text, ""}},
       .returns = "",
       .example = "plan:save('plan.json')"},
      {.name = "plan:rows",
       .home = Home::engine,
       .doc = "Lists what goes, in the order in which it was chosen.",
       .args = {plan},
       .returns = "{ kind: string, layer: integer, index: integer, score: number, params: "
                  "integer }[]",
       .example = "print(plan:rows())"},
      {.name = "plan:map",
       .home = Home::engine,
       .doc = "Draws layers x units: their scores, and what goes crossed. It prints as blocks; "
              "map:save('heads.svg') writes a picture.",
       .args = {plan},
       .options = {{"what", Value::one_of({"auto", "heads", "neurons", "layers"}), "'auto'",
                    "which kind; 'auto': what goes"}},
       .returns = "crescent.Heat",
       .example = "print(plan:map())"},
      {.name = "crescent.prune.figures",
       .home = Home::engine,
       .doc = "Counts what a model holds and costs: params, params_nonzero, bytes, "
              "flops_per_token, the first and the last by part, and the bytes that a token of "
              "decoding reads. Cost: reads all weights once.",
       .args = {model},
       .options = {{"context", Value::at_least(Kind::integer, 1), "256",
                    "tokens attended to, for the FLOPs"}},
       .returns = "crescent.Figures",
       .example = "print(crescent.prune.figures(model).params_nonzero)"},
      {.name = "crescent.prune.ledger",
       .home = Home::engine,
       .doc = "Measures two models beside each other: what they hold nominally, and what that "
              "makes real: files really written, memory of a process of their own, decode and "
              "prefill in alternation with a verdict, perplexity and agreement on data. A line "
              "that did not shrink says so. Cost: about three times time_s_max, and a folder in "
              "the temporary directory for each.",
       .args = {{"before", Kind::model, ""}, {"after", Kind::model, ""}},
       .options = {{"data", Kind::table, "",
                    "{ file =, text = or ids =, window = 256, stride = 128 }"},
                   {"time_s_max", Value::above(Kind::number, 0), "20", "of each comparison"},
                   {"tokens", Value::at_least(Kind::integer, 1), "64", "decoded in a sample"},
                   {"prompt", Value::at_least(Kind::integer, 1), "32", "before them"},
                   {"prefill", Value::at_least(Kind::integer, 1), "128", "tokens of a prefill"},
                   {"timed", Kind::boolean, "true", "measures decode and prefill"},
                   {"resident", Kind::boolean, "true", "runs each model in a process of its own"}},
       .returns = "crescent.Ledger",
       .example = "print(crescent.prune.ledger(model, smaller, { data = { file = 'book.txt' } }))"},
  };
}

}  // namespace

const Subject& prune_subject() {
  static const Subject subject{
      .title = "Pruning",
      .functions = functions(),
      .fields = {
          {"plan.model", "The model that it was made for.", "crescent.Model"},
          {"plan.model_hash", "That model's hash.", "string"},
          {"plan.criterion", "What scored the units.", "string"},
          {"plan.seed", "The seed of criterion 'random'.", "integer"},
          {"plan.data", "What the criterion looked at: source, hash, tokens, window; else nil.",
           "{ source: string, hash: string, tokens: integer, window: integer }?"},
          {"plan.counts", "By kind: removed, of.",
           "table<string, { removed: integer, of: integer }>"},
          {"plan.before",
           "params, params_by_part, bytes, flops_per_token, flops_by_part, bytes_read_per_token.",
           "crescent.Figures"},
          {"plan.after", "The same of the pruned model.", "crescent.Figures"},
          {"plan.context", "Tokens attended to, for the FLOPs.", "integer"},
          {"plan.saved_ms",
           "Time saved a token that the removed bytes allow at the measured read bandwidth. Cost: "
           "the first use measures for some 0.2 s.",
           "number"},
          {"plan.notes", "Which rules were taken where there was a choice.", "string[]"},
      }};
  return subject;
}

}  // namespace crescent::api
