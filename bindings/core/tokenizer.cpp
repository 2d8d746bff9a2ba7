#include "bindings/core/tokenizer.h"

#include <fmt/format.h>

#include <filesystem>

#include "bindings/core/core.h"
#include "bindings/core/model_folder.h"
#include "bindings/observing.h"
#include "bindings/push.h"

namespace crescent {
namespace {

int tokenizer_open(Args& args) {
  if (args.text(1).empty()) args.bad(1, "the path of a folder or the name of a model", "''");
  const std::filesystem::path folder = model_folder(args.text(1));
  if (!std::filesystem::is_directory(folder))
    args.fail(fmt::format("{}: expected a folder, found none (tried {})", args.text(1),
                          std::filesystem::absolute(folder).lexically_normal().string()));
  push_handle<TokenizerHandle>(args.L(), load_tokenizer(folder));
  return 1;
}

int tokenizer_encode(Args& args) {
  const auto& tokenizer = *args.handle<TokenizerHandle>(1);
  const SectionSpan span(active_observer(), Section::tokenize);
  push_ids(args.L(), tokenizer.encode(args.text(2), {.special = args.boolean("special")}));
  return 1;
}

int tokenizer_decode(Args& args) {
  const auto& tokenizer = *args.handle<TokenizerHandle>(1);
  const auto ids = args.ids(2);
  const SectionSpan span(active_observer(), Section::detokenize);
  push(args.L(), tokenizer.decode(ids, {.skip_special = args.boolean("skip_special")}));
  return 1;
}

int tokenizer_id(Args& args) {
  const auto id = args.handle<TokenizerHandle>(1)->id_of(args.text(2));
  if (!id) return 0;
  push(args.L(), *id);
  return 1;
}

int tokenizer_close(Args& args) {
  test_handle<TokenizerHandle>(args.L(), 1)->reset();
  return 0;
}

int tokenizer_size(Args& args) { return give(args, args.handle<TokenizerHandle>(1)->size()); }

int tokenizer_kind(Args& args) { return give(args, args.handle<TokenizerHandle>(1)->kind()); }

int tokenizer_tostring(lua_State* L) {
  const auto* tokenizer = test_handle<TokenizerHandle>(L, 1);
  if (!tokenizer || !*tokenizer) push(L, "closed tokenizer");
  else push(L, fmt::format("{}  {} tokens", (**tokenizer)->kind(), (**tokenizer)->size()));
  return 1;
}

}  // namespace

void register_tokenizer() {
  provide({
      {"crescent.tokenizer", tokenizer_open},
      {"tokenizer:encode", tokenizer_encode},
      {"tokenizer:decode", tokenizer_decode},
      {"tokenizer:id", tokenizer_id},
      {"tokenizer:close", tokenizer_close},
  });
  provide_fields({{"tokenizer.size", tokenizer_size}, {"tokenizer.kind", tokenizer_kind}});
  provide_metamethod("Tokenizer", "__tostring", &guarded<tokenizer_tostring>);
}

}  // namespace crescent
