#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& text_subject() {
  static const Argument self{"tokenizer", Kind::tokenizer, ""};
  static const Subject subject{
      .title = "Text and tokens",
      .functions =
          {
              {.name = "crescent.tokenizer",
               .home = Home::core,
               .doc = "Reads a folder's tokenizer: tokenizer.json, else vocab.json and merges.txt. "
                      "The weights are not touched and the engine isn't loaded.",
               .args = {{"path", Kind::text, "a folder, or the name of an embedded model"}},
               .returns = "crescent.Tokenizer",
               .example = "local tokenizer = crescent.tokenizer('tiny')"},
              {.name = "tokenizer:encode",
               .home = Home::core,
               .doc = "Turns text into token ids, which keep the file's values (from 0). Any bytes "
                      "are accepted; special tokens inside the text are recognised.",
               .args = {self, {"text", Kind::text, ""}},
               .options = {{"special", Kind::boolean, "false",
                            "adds what the file's post-processor adds, a leading <s> say"}},
               .returns = "integer[]",
               .example = "local ids = tokenizer:encode('And it came to pass')"},
              {.name = "tokenizer:decode",
               .home = Home::core,
               .doc = "Turns token ids into text. A broken UTF-8 sequence becomes U+FFFD.",
               .args = {self, {"ids", Kind::ids, ""}},
               .options = {{"skip_special", Kind::boolean, "false", "leaves special tokens out"}},
               .returns = "string",
               .example = "print(tokenizer:decode(ids))"},
              {.name = "tokenizer:id",
               .home = Home::core,
               .doc = "Gives the id of one token as the vocabulary spells it, or nil.",
               .args = {self, {"token", Kind::text, "'<|endoftext|>'"}},
               .returns = "integer?",
               .example = "print(tokenizer:id('<|endoftext|>'))"},
              {.name = "tokenizer:close",
               .home = Home::core,
               .doc = "Lets go of the vocabulary at once. A model that uses it keeps it.",
               .args = {self},
               .returns = "",
               .example = "tokenizer:close()"},
          },
      .fields = {
          {"tokenizer.size", "How many ids there are: 0 .. size - 1.", "integer"},
          {"tokenizer.kind", "What it is: 'byte-level BPE'.", "string"},
      }};
  return subject;
}

}  // namespace crescent::api
