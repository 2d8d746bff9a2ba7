#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

const Value kSeed = Value::between(Kind::integer, 0, 9007199254740992.0);
const Value kDtype = Value::one_of({"float32", "float16", "bfloat16"});

std::vector<Function> loading_functions() {
  return {
      {.name = "crescent.load",
       .home = Home::engine,
       .doc =
           "Loads a model from a Hugging Face folder: config.json, *.safetensors and, for text, a "
           "tokenizer. The weights stay mapped and unread until something needs them. A name "
           "without a slash is a folder in the current directory if there is one, else one of the "
           "models that come with crescent, such as 'tiny' (looked for in $CRESCENT_MODELS, then "
           "in ../share/crescent/models beside the executable).",
       .args = {{"path", Kind::text, "a folder, or the name of an embedded model"}},
       .options = {{"dtype", Value::one_of({"stored", "float32", "float16", "bfloat16"}),
                    "'stored'",
                    "what the weights are kept as; 'stored' keeps the file mapped, the others "
                    "convert now"},
                   {"device", Value::one_of({"cpu"}), "'cpu'", "where the model computes"},
                   {"verify", Kind::boolean, "false",
                    "reads everything at once and refuses NaN and infinite weights by name, and a "
                    "broken tokenizer"}},
       .returns = "crescent.Model",
       .example = "local model = crescent.load('tiny')"},
      {.name = "crescent.preset",
       .home = Home::engine,
       .doc = "Makes a model of a published shape with seeded random weights. It has no tokenizer.",
       .args = {{"name", Kind::text, "one of crescent.presets()"}},
       .options = {{"seed", kSeed, "1", "of the weights"},
                   {"dtype", kDtype, "'float32'", "what the weights are kept as"}},
       .returns = "crescent.Model",
       .example = "local model = crescent.preset('gpt2', { seed = 1 })"},
      {.name = "crescent.presets",
       .home = Home::core,
       .doc = "Lists the published shapes with their parameter counts by part, from the "
              "descriptions alone: nothing is allocated and the engine isn't loaded.",
       .returns = "crescent.Presets",
       .example = "print(crescent.presets())"},
      {.name = "crescent.levels.available",
       .home = Home::core,
       .doc = "Lists the levels that this build can run a model at: 0 reference, 1 fused, "
              "2 compiled, 3 compiled with lossy storage.",
       .returns = "integer[]",
       .example = "for _, level in ipairs(crescent.levels.available()) do print(level) end"},
  };
}

std::vector<Function> model_functions() {
  const Argument self{"model", Kind::model, ""};
  return {
      {.name = "model:optimize",
       .home = Home::engine,
       .doc =
           "Gives the same model at another level: 0 is the reference that all else is held "
           "against, 1 computes all heads at once and keeps keys and values, 2 walks through a "
           "plan that its first run compiles: fixed buffers, kernels of our own, and 3 is level 2 "
           "with weights, and if asked for the cache of keys and values, stored narrower. What it "
           "computes with them is nearly float32: a token's inputs are rounded to 16 bits in front "
           "of int8 and int4 weights, and so are a prompt's where the CPU has AMX; see "
           "crescent.machine(). "
           "Weights are shared, but for matrices stored as [in, out] (GPT-2's), which level 2 "
           "copies transposed, and all that level 3 packs; the first run asks for that memory "
           "before it copies, and it is held for as long as a model of these options lives. The "
           "model itself is untouched.",
       .args = {self},
       .options = {{"level", Kind::any, "",
                    "one of crescent.levels.available(), or 'auto': measures drift and time of "
                    "all, and takes the fastest that is near enough the reference; of those that "
                    "can't be told apart, the nearest (required)"},
                   {"weights", Value::one_of({"bf16", "int8", "int4"}), "'int8'",
                    "level 3: what the layers' matrices are stored as. bf16: 16 bits a weight, "
                    "rounded to nearest; int8: 8 bits, with a scale a row or, with `group`, 8.5 "
                    "bits; int4: 5 bits, with scale and minimum for each 32 inputs"},
                   {"head", Value::one_of({"fp32", "bf16", "int8", "int4"}), "",
                    "level 3: the same for the output head, and for the embedding where they are "
                    "one; like `weights` if not given"},
                   {"group", Kind::integer, "",
                    "level 3: 32 gives int8 a scale for each 32 inputs; without it, a scale a row"},
                   {"kv", Value::one_of({"fp32", "bf16", "int8"}), "'fp32'",
                    "level 3: what a session's keys and values are stored as: a long context then "
                    "takes less memory and less time. bf16: rounded to nearest; int8: with a scale "
                    "for each position of each head"},
                   {"calibration", Kind::any, "",
                    "level 3, int8 and int4: a text, token ids, or { file =, text = or ids =, "
                    "tokens = 2048, window = 128 }. Scales are then chosen so that least is lost "
                    "where inputs are large on that text, instead of to span all numbers. Takes "
                    "the time of the text, now (the embedded model 0.4 s, GPT-2's smallest shape "
                    "9 s on 2 threads), and of the choice, when the plan is made (int4 0.3 and "
                    "8 s, int8 half of that). A pruned model forgets it: calibrate it anew"},
                   {"passes", Kind::table, "",
                    "levels 2 and 3: { fuse_epilogue = false } makes a plan without that pass, at "
                    "a price in time or memory and to the same bits (without last_rows, which "
                    "leaves fewer rows to a product, to the same but for the order of sums); see "
                    "model:passes()"},
                   {"kl_nats_max", Value::above(Kind::number, 0), "0.01",
                    "level 'auto': how far from level 0, as KL divergence on a text"},
                   {"text", Kind::text, "", "level 'auto': the text; exactly one of these three"},
                   {"file", Kind::text, "", "level 'auto': a file with it"},
                   {"ids", Kind::ids, "", "level 'auto': its token ids"},
                   {"window", Value::above(Kind::integer, 0), "128", "level 'auto': tokens"},
                   {"measure", Value::one_of({"decode", "prefill"}), "'decode'",
                    "level 'auto': what is to be fast"},
                   {"time_s_max", Value::above(Kind::number, 0), "30",
                    "level 'auto': for all timing"}},
       .returns = "crescent.Model, table? measured",
       .example = "local small = model:optimize { level = 3, weights = 'int4', head = 'int8' }\n"
                  "local fast, measured = model:optimize { level = 'auto', text = 'In the "
                  "beginning' }"},
      {.name = "model:passes",
       .home = Home::engine,
       .doc =
           "Lists what levels 2 and 3 do to their plan, in order: name, whether it is on, what "
           "it changed in how many layers, the bytes of memory that it adds (negative: saves; "
           "of buffers and of a narrower cache in a session that holds all positions, of narrower "
           "weights against float32), and who published the idea. "
           "fuse_epilogue (activation, gate and residual in the product), last_rows (prefill: "
           "the last token alone behind the last attention) and share_arena (buffers by "
           "lifetime) can be switched off in model:optimize; transpose can't; weights, head "
           "(level 3: how narrow, and how many matrices are padded to whole groups), kv (level 3: "
           "how narrow keys and values are, in bytes a token) and calibration (level 3: whose "
           "scales were chosen by a text, and the mean over these matrices of a product's squared "
           "error over its square, before -> after) have options of their own. Levels 0 and 1 have "
           "none: the list is empty and says why. "
           "Reads no weights, unless a calibrated plan has yet to be compiled.",
       .args = {self},
       .returns = "{ name: string, on: boolean, changed: string, layers: integer, bytes: integer, "
                  "source: string? }[]",
       .example = "print(model:optimize({ level = 3 }):passes())"},
      {.name = "model:weight",
       .home = Home::engine,
       .doc = "Gives a weight as it is stored, by the file's name with or without the family's "
              "prefix.",
       .args = {self, {"name", Kind::text, "one of model:weights()"}},
       .returns = "crescent.Tensor",
       .example = "print(model:weight('h.0.attn.c_attn.weight').shape)"},
      {.name = "model:weights",
       .home = Home::engine,
       .doc = "Lists every weight as { name, shape, dtype, bytes }, in the order of the forward "
              "pass. Reads none of them.",
       .args = {self},
       .returns = "{ name: string, shape: integer[], dtype: string, bytes: integer }[]",
       .example = "print(model:weights())"},
      {.name = "model:hash",
       .home = Home::engine,
       .doc = "Gives 16 hex digits over description and weights. Reads all weights once; then it "
              "is kept.",
       .args = {self},
       .returns = "string",
       .example = "print(model:hash())"},
      {.name = "model:save",
       .home = Home::engine,
       .doc = "Writes a folder that loads again to the same function, here and elsewhere. What the "
              "family's config.json can't say (layers with unlike heads) gets a model_type of our "
              "own, which other readers refuse. "
              "Tokenizer and generation files go along. The folder must not exist, or be empty; "
              "a failure leaves nothing half done.",
       .args = {self, {"path", Kind::text, "the new folder"}},
       .options = {{"dtype", Value::one_of({"stored", "float32", "float16", "bfloat16"}),
                    "'stored'", "what the weights are written as"},
                   {"masked", Kind::boolean, "false",
                    "puts zeros where layers lost heads and neurons: full size, for any reader"}},
       .returns = "",
       .example = "model:save('tiny-fp32', { dtype = 'float32' })"},
      {.name = "model:close",
       .home = Home::engine,
       .doc = "Lets go of the weights at once instead of when the collector comes by. Models that "
              "share them keep them.",
       .args = {self},
       .returns = "",
       .example = "model:close()"},
  };
}

std::vector<Field> model_fields() {
  return {
      {"model.family", "The model_type of config.json: 'gpt2', 'llama'.", "string"},
      {"model.config", "What the decoder is, as a read-only view.", "crescent.Config"},
      {"model.layers",
       "Read-only views of the layers: model.layers[3].heads. They may differ from each other.",
       "crescent.Layer[]"},
      {"model.params", "How many parameters the model has; a tied head counts once.", "integer"},
      {"model.params_by_part",
       "Parameters by part, as a read-only view: embedding, positions, norm, attention, ffn, head.",
       "table<string, integer>"},
      {"model.level", "0 reference, 1 fused, 2 compiled, 3 compiled with lossy storage.",
       "integer"},
      {"model.dtype", "What most weights are stored as.", "string"},
      {"model.device", "Where the model computes: 'cpu'.", "string"},
      {"model.bytes", "Bytes of the weights as stored.", "integer"},
      {"model.bytes_widened",
       "Bytes of the float32 copies made so far; 0 before the first run, and for float32 weights "
       "that need none.",
       "integer"},
      {"model.bytes_transposed",
       "Bytes of the transposed copies that level 2's plan holds; 0 before the first run, and for "
       "weights stored as [out, in].",
       "integer"},
      {"model.bytes_packed",
       "Bytes of the narrower copies that level 3's plan holds; 0 before the first run.",
       "integer"},
      {"model.bytes_given_back",
       "Bytes of the mapped file that such copies made superfluous, in whole pages: this process "
       "holds them no longer. What reads the weights as stored brings them back.",
       "integer"},
      {"model.path", "The folder that it was loaded from; nil for presets.", "string?"},
      {"model.tokenizer",
       "The folder's tokenizer, parsed on first use. A kind that can't be read is an error that "
       "names it.",
       "crescent.Tokenizer"},
  };
}

}  // namespace

const Subject& model_subject() {
  static const Subject subject = [] {
    Subject made{.title = "Loading", .functions = loading_functions(), .fields = model_fields()};
    for (auto& function : model_functions()) made.functions.push_back(std::move(function));
    return made;
  }();
  return subject;
}

}  // namespace crescent::api
