#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& files_subject() {
  static const Subject subject{
      .title = "Files",
      .functions = {
          {.name = "crescent.json.decode",
           .home = Home::core,
           .doc = "Turns JSON into Lua values. A null in an object is left out, a null in a list "
                  "is crescent.json.null, so that positions stay. Nesting over 64 and doubled keys "
                  "are errors.",
           .args = {{"text", Kind::text, ""}},
           .returns = "any",
           .example = "print(crescent.json.decode('{ \"heads\": 12 }').heads)"},
          {.name = "crescent.json.encode",
           .home = Home::core,
           .doc = "Turns a Lua value into JSON, keys in order. A table with the keys 1 .. n is a "
                  "list; an empty one is an object, unless it came from an empty JSON list. What "
                  "JSON can't say (NaN, functions, mixed keys) is an error with the place.",
           .args = {{"value", Kind::any, ""}},
           .options = {{"indent", Value::between(Kind::integer, 0, 16), "",
                        "spaces a level; without it, one line"}},
           .returns = "string",
           .example = "print(crescent.json.encode({ heads = 12 }, { indent = 2 }))"},
          {.name = "crescent.inspect.file",
           .home = Home::core,
           .doc = "Shows what a .safetensors file holds: tensors as { name, shape, dtype, bytes, "
                  "offset } and metadata. Reads the header alone.",
           .args = {{"path", Kind::text, "a .safetensors file"}},
           .returns = "crescent.FileInfo",
           .example = "print(crescent.inspect.file('model.safetensors'))"},
          {.name = "crescent.inspect.health",
           .home = Home::engine,
           .doc = "Reads every weight and gives, for each tensor, how many numbers are NaN or "
                  "infinite, the largest magnitude, mean and standard deviation.",
           .args = {{"model", Kind::model, ""}},
           .returns = "{ name: string, elements: integer, nan: integer, infinite: integer, "
                      "abs_max: number, mean: number, deviation: number }[]",
           .example = "print(crescent.inspect.health(model))"},
      }};
  return subject;
}

}  // namespace crescent::api
