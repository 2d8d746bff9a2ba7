#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

const Argument kTensor{"tensor", Kind::tensor, ""};
const Argument kShape{"shape", Kind::dims, "sizes, separate or in one list", false, true};
const Value kDtypes = Value::one_of({"float64", "float32", "float16", "bfloat16", "int64", "int32",
                                     "int16", "int8", "uint8", "bool"});
const Option kDtype{"dtype", kDtypes, "'float32'", "element type"};
const Option kSeed{"seed", Value::between(Kind::integer, 0, 9007199254740992.0), "",
                   "the same numbers for the same seed; without one, successive calls give "
                   "different numbers, the same in every run"};

Argument dim(std::string_view doc, bool optional = false) {
  return {"dim", Kind::integer, doc, optional};
}

Function make(std::string_view name, std::string_view doc, std::vector<Argument> args,
              std::vector<Option> options, std::string_view example) {
  return {.name = name,
          .home = Home::engine,
          .doc = doc,
          .args = std::move(args),
          .options = std::move(options),
          .returns = "crescent.Tensor",
          .example = example};
}

/// A method without options that gives a tensor.
Function method(std::string_view name, std::string_view doc, std::vector<Argument> args,
                std::string_view example) {
  args.insert(args.begin(), kTensor);
  return make(name, doc, std::move(args), {}, example);
}

std::vector<Function> making() {
  return {
      make(
          "crescent.tensor",
          "Makes a tensor from nested lists of numbers or booleans, all of one shape. Integers "
          "above 2^53 are given as strings of digits. Tensors never change; each operation gives a "
          "new one.",
          {{"values", Kind::any, "nested lists, or one number"}},
          {{"dtype", kDtypes, "", "element type; else 'float32', or 'bool' for booleans"}},
          "crescent.tensor { { 1, 2 }, { 3, 4 } }"),
      make("crescent.tensor.zeros", "Makes a tensor of zeros.", {kShape}, {kDtype},
           "crescent.tensor.zeros(2, 3)"),
      make("crescent.tensor.ones", "Makes a tensor of ones.", {kShape}, {kDtype},
           "crescent.tensor.ones(2, 3, { dtype = 'int64' })"),
      make("crescent.tensor.full", "Makes a tensor of one value everywhere.",
           {{"shape", Kind::dims, "a list of sizes"}, {"value", Kind::number, ""}}, {kDtype},
           "crescent.tensor.full({ 2, 3 }, -math.huge)"),
      make("crescent.tensor.arange",
           "Counts like a for loop, its end included: arange(4) is 1, 2, 3, 4 and arange(0, 1, "
           "0.25) "
           "is 0, 0.25, 0.5, 0.75, 1.",
           {{"from", Kind::number, "the end, if it is alone"},
            {"to", Kind::number, "included if a step falls on it", true},
            {"step", Kind::number, "may be negative; 1 if not given", true}},
           {kDtype}, "crescent.tensor.arange(0, 10, 2)"),
      make("crescent.tensor.randn",
           "Makes a tensor of normal random numbers (mean 0, standard deviation 1) from crescent's "
           "own "
           "generator, which gives the same numbers on every machine.",
           {kShape}, {kDtype, kSeed}, "crescent.tensor.randn(2, 3, { seed = 1 })"),
      make("crescent.tensor.rand",
           "Makes a tensor of random numbers, uniform in [0, 1). As `randn` else.", {kShape},
           {kDtype, kSeed}, "crescent.tensor.rand(2, 3, { seed = 1 })"),
      {.name = "crescent.tensor.load",
       .home = Home::engine,
       .doc = "Opens a .safetensors file and gives its tensors by name. The file is mapped: "
              "nothing is "
              "read before it is used.",
       .args = {{"path", Kind::text, "a .safetensors file"}},
       .returns = "table<string, crescent.Tensor>",
       .example = "crescent.tensor.load('x.safetensors').weight"},
      {.name = "crescent.tensor.save",
       .home = Home::engine,
       .doc = "Writes tensors by name into a .safetensors file: whole, or not at all.",
       .args = {{"path", Kind::text, ""}, {"tensors", Kind::table, "{ name = tensor }"}},
       .returns = "",
       .example = "crescent.tensor.save('x.safetensors', { weight = w })"},
      make("crescent.tensor.cat", "Puts tensors one after the other along a dimension.",
           {{"tensors", Kind::tensors, "of one shape but for that dimension"},
            dim("the first if not given", true)},
           {}, "crescent.tensor.cat({ a, b }, 2)"),
      make("crescent.tensor.stack",
           "Puts tensors of one shape beside each other in a new dimension.",
           {{"tensors", Kind::tensors, "of one shape"},
            dim("where the new dimension comes; the first if not given", true)},
           {}, "crescent.tensor.stack { a, b }"),
      {.name = "crescent.tokens.top",
       .home = Home::engine,
       .doc = "Gives the ids of the k most likely next tokens, the most likely first, and their "
              "logits. Ids are those of the model's files, from 0; `logits:argmax()` gives "
              "positions, from 1.",
       .args = {{"logits", Kind::tensor, "(V), or (T, V) whose last row counts"},
                {"k", Value::at_least(Kind::integer, 1), "how many"}},
       .returns = "integer[] ids, number[] logits",
       .example = "local ids, logits = crescent.tokens.top(model:forward(prompt), 5)"},
  };
}

std::vector<Function> shapes() {
  return {
      method(
          "tensor:reshape",
          "Gives the same elements in another shape; one size may be -1, for what is left. Copies "
          "only if it must.",
          {kShape}, "crescent.tensor.arange(6):reshape(2, -1)"),
      {.name = "tensor:view",
       .home = Home::engine,
       .doc =
           "Gives a read-only view for fast loops over the elements: #view, view[i], i from 1, in "
           "row "
           "order. Contiguous float32 tensors on the CPU only. A compiled loop reads an element in "
           "less than a nanosecond. With sizes: the same elements in another shape, never copied.",
       .args = {kTensor, {"shape", Kind::dims, "sizes, for a tensor in another shape", true, true}},
       .returns = "crescent.TensorView|crescent.Tensor",
       .example = "local v = t:view(); for i = 1, #v do total = total + v[i] end"},
      method("tensor:transpose", "Swaps two dimensions.",
             {{"a", Kind::integer, "the last but one if not given", true},
              {"b", Kind::integer, "the last if not given", true}},
             "k:transpose(-2, -1)"),
      method("tensor:permute", "Puts the dimensions into another order.",
             {{"dims", Kind::dims, "all of them, in their new order", false, true}},
             "x:permute(2, 1, 3)"),
      method("tensor:slice", "Takes positions `from` to `to`, both included, of a dimension.",
             {dim("from 1, or from the end if negative"),
              {"from", Kind::integer, "from 1, or from the end if negative"},
              {"to", Kind::integer, "the last if not given", true},
              {"step", Value::at_least(Kind::integer, 1), "1 if not given", true}},
             "x:slice(1, 2, -1)"),
      method("tensor:select",
             "Takes one position of a dimension, which goes away. `t[i]` selects in the first.",
             {dim("from 1, or from the end if negative"),
              {"position", Kind::integer, "from 1, or from the end if negative"}},
             "x:select(2, -1)"),
      method("tensor:index", "Takes positions of a dimension, in the order given, also repeatedly.",
             {dim("from 1, or from the end if negative"),
              {"positions", Kind::any, "a list, or an integer tensor of 1 dimension"}},
             "x:index(1, { 3, 1 })"),
      method("tensor:squeeze", "Takes away a dimension of size 1, or all of them.",
             {dim("all of size 1 if not given", true)}, "x:squeeze(1)"),
      method("tensor:unsqueeze", "Adds a dimension of size 1.",
             {dim("where it comes; the first if not given", true)}, "x:unsqueeze(-1)"),
      method("tensor:expand", "Repeats dimensions of size 1 without a copy; -1 keeps a size.",
             {kShape}, "crescent.tensor.ones(3, 1):expand(3, 4)"),
      method("tensor:contiguous",
             "Gives the tensor with its elements in row order in memory: itself if they are.", {},
             "x:transpose():contiguous()"),
      method("tensor:clone", "Copies a tensor.", {}, "x:clone()"),
      method("tensor:tril", "Keeps the lower triangle of matrices, zeros elsewhere.",
             {{"diagonal", Kind::integer, "0 if not given; 1 keeps one more diagonal above", true}},
             "x:tril()"),
      method("tensor:triu", "Keeps the upper triangle of matrices, zeros elsewhere.",
             {{"diagonal", Kind::integer, "0 if not given; 1 keeps one diagonal less", true}},
             "x:triu(1)"),
      method("tensor:masked_fill", "Replaces the elements where a mask is true.",
             {{"mask", Kind::tensor, "bool, of a shape that fits"}, {"value", Kind::number, ""}},
             "scores:masked_fill(mask, -math.huge)"),
      method("tensor:where",
             "Takes from `a` where this bool tensor is true, and from `b` elsewhere.",
             {{"a", Kind::tensor_or_number, ""}, {"b", Kind::tensor_or_number, ""}},
             "x:gt(0):where(x, 0)"),
  };
}

std::vector<Function> values() {
  return {
      {.name = "tensor:item",
       .home = Home::engine,
       .doc =
           "Gives the one value of a tensor of one element: a number, or true or false. Integers "
           "above 2^53, which Lua numbers don't hold, come as strings of digits.",
       .args = {kTensor},
       .returns = "number|boolean|string",
       .example = "x:sum():item()"},
      {.name = "tensor:tolist",
       .home = Home::engine,
       .doc = "Gives the values as nested lists; those of a tensor of shape () as `item` does.",
       .args = {kTensor},
       .returns = "table",
       .example = "x:tolist()[1][2]"},
      method("tensor:to", "Converts to a dtype or moves to a device.",
             {{"what", Kind::text, "'float16', 'int64', ...; 'cpu', 'cuda:0'"}},
             "x:to('bfloat16')"),
      method("tensor:float", "Converts to float32, as :to('float32').", {}, "x:float()"),
      method("tensor:cpu", "Moves to the CPU, as :to('cpu').", {}, "x:cpu()"),
      {.name = "tensor:close",
       .home = Home::engine,
       .doc = "Frees the memory at once, unless something else shares it. Using the tensor "
              "afterwards is "
              "an error; closing it again isn't.",
       .args = {kTensor},
       .returns = "",
       .example = "x:close()"},
  };
}

}  // namespace

const Subject& tensor_subject() {
  static const Subject subject = [] {
    Subject all{.title = "Tensors",
                .functions = making(),
                .fields = {{"tensor.shape", "The sizes, as a list.", "integer[]"},
                           {"tensor.dtype", "The element type: 'float32'.", "string"},
                           {"tensor.device", "Where the elements are: 'cpu', 'cuda:0'.", "string"},
                           {"tensor.numel", "How many elements.", "integer"},
                           {"tensor.bytes", "Bytes of the elements.", "integer"}}};
    for (auto more : {shapes(), values()})
      for (auto& function : more) all.functions.push_back(std::move(function));
    return all;
  }();
  return subject;
}

}  // namespace crescent::api
