#include <string>
#include <string_view>

#include "engine/error.h"
#include "engine/tokenizer/kind.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/tokenizer/tokenizer_file.h"
#include "engine/tokenizer/vocab_merges.h"

namespace crescent {

std::shared_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& folder) {
  const auto has = [&](std::string_view name) { return std::filesystem::exists(folder / name); };
  if (has("tokenizer.json")) {
    const std::filesystem::path path = folder / "tokenizer.json";
    const auto file = MappedFile::open(path);
    return parse_tokenizer_json(text_of(*file), path.string());
  }
  if (has("vocab.json") && has("merges.txt")) return read_vocab_merges(folder);
  if (has("tokenizer.model")) {
    const std::string path = (folder / "tokenizer.model").string();
    throw OtherTokenizerKind(
        fmt::format("{}: tokenizer of kind SentencePiece: {}", path, kWhatWeRead));
  }
  fail("{}: no tokenizer here: looked for tokenizer.json, and for vocab.json with merges.txt",
       folder.string());
}

}  // namespace crescent
