#include "engine/model/load.h"

#include "engine/families/family.h"
#include "engine/model/presets.h"
#include "tests/engine/exec/fixture.h"

namespace crescent::test {
namespace {

bool is_mapped(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::istringstream words(line);
    words >> std::hex >> begin >> dash >> end;
    const auto at = reinterpret_cast<uintptr_t>(address);
    if (begin <= at && at < end) return line.find(".safetensors") != std::string::npos;
  }
  return false;
}

TEST(Load, LeavesTheFileMappedAndKeepsItAlive) {
  at::Tensor weight;
  {
    const auto model = load("gpt2");
    weight = model->weight("wte.weight");
  }
  EXPECT_TRUE(is_mapped(weight.data_ptr()));
  EXPECT_TRUE(std::isfinite(weight.sum().item<double>()));
}

TEST(Load, ConvertsWhereADtypeIsAsked) {
  const auto model = load_model(model_folder("gpt2"), {.dtype = Dtype::bfloat16});
  EXPECT_EQ(model->dtype(), Dtype::bfloat16);
  EXPECT_EQ(model->bytes_stored(), model->parameters() * 2);
  EXPECT_FALSE(is_mapped(model->weight("wte.weight").data_ptr()));
  EXPECT_TRUE(
      same_bits(model->weight("wte.weight"), load("gpt2")->weight("wte.weight").to(at::kBFloat16)));
}

TEST(Load, RefusesADtypeThatWeightsCannotHave) {
  EXPECT_EQ(message_of([] { load_model(model_folder("gpt2"), {.dtype = Dtype::int8}); }),
            "dtype: expected 'float32', 'float16' or 'bfloat16', got 'int8'");
}

/// The gpt2 fixture in a folder of its own, with its weights written anew by `write`.
template <class Write>
fs::path rewritten(const TemporaryFolder& folder, Write&& write) {
  fs::copy_file(model_folder("gpt2") / "config.json", folder.path() / "config.json");
  const auto file = SafetensorsFile::open(model_folder("gpt2") / "model.safetensors");
  write(*file, folder.path() / "model.safetensors");
  return folder.path();
}

TEST(Load, CopiesWhatTheFileHasMisaligned) {
  const TemporaryFolder folder;
  // The same file with one more byte of header: every tensor moves off its boundary.
  const fs::path path = rewritten(folder, [](const SafetensorsFile& file, const fs::path& to) {
    const auto bytes = file.file()->bytes();
    uint64_t header = 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    const uint64_t longer = header + 1;
    std::ofstream out(to, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&longer), sizeof longer);
    out.write(reinterpret_cast<const char*>(bytes.data()) + 8,
              static_cast<std::streamsize>(header));
    out.put(' ');
    out.write(reinterpret_cast<const char*>(bytes.data()) + 8 + header,
              static_cast<std::streamsize>(bytes.size() - 8 - header));
  });
  const auto model = load_model(path, {}), aligned = load("gpt2");
  EXPECT_EQ(model->bytes_misaligned(), model->bytes_stored());
  EXPECT_EQ(aligned->bytes_misaligned(), 0);
  EXPECT_EQ(model->hash(), aligned->hash());
  const at::Tensor ids = some_ids(1, 9, 96);
  EXPECT_TRUE(same_bits(forward(*model, ids), forward(*aligned, ids)));
}

TEST(Verify, RefusesNaNByTheTensorsName) {
  const fs::path folder = fixture("malformed/st_nan_weights");
  EXPECT_NO_THROW(load_model(folder, {})) << "a plain load reads no weights";
  EXPECT_EQ(message_of([&] { load_model(folder, {.verify = true}); }),
            folder.string() +
                ": tensor 'transformer.h.0.attn.c_attn.weight': expected finite numbers, found 1 "
                "NaN and 0 infinite among 192");
}

TEST(Verify, AcceptsEveryWholeFolder) {
  for (const std::string& name : model_names()) {
    EXPECT_NO_THROW(load_model(model_folder(name), {.verify = true})) << name;
  }
}

TEST(Verify, ReadsTheTokenizerToo) {
  const fs::path folder = fixture("malformed/tok_merge_of_unknown_token");
  EXPECT_NO_THROW(load_model(folder, {}));
  EXPECT_THROW(load_model(folder, {.verify = true}), Error);
}

TEST(Verify, RefusesAStoredHeadThatDiffersFromTheEmbeddingItIsTiedTo) {
  const auto with_head = [](const fs::path& to, const SafetensorsFile& file, float change) {
    std::vector<TensorToWrite> tensors;
    std::vector<float> head;
    for (const TensorEntry& entry : file.entries()) {
      const auto data = file.data(entry);
      tensors.push_back({entry.name, entry.dtype, entry.shape, data});
      if (entry.name != "transformer.wte.weight") continue;
      head.resize(data.size() / sizeof(float));
      std::memcpy(head.data(), data.data(), data.size());
      head.back() += change;
    }
    tensors.push_back({"lm_head.weight", Dtype::float32, {96, 32}, std::as_bytes(std::span(head))});
    write_safetensors(to, tensors);
  };
  const TemporaryFolder same, different;
  rewritten(same, [&](const SafetensorsFile& file, const fs::path& to) { with_head(to, file, 0); });
  rewritten(different,
            [&](const SafetensorsFile& file, const fs::path& to) { with_head(to, file, 1); });
  EXPECT_NO_THROW(load_model(same.path(), {.verify = true}));
  EXPECT_EQ(
      message_of([&] { load_model(different.path(), {.verify = true}); }),
      different.path().string() +
          ": tensor 'lm_head.weight' differs from the token embedding, but config.json ties them");
}

TEST(Health, CountsWhatIsWrongAndDescribesWhatIsRight) {
  const auto model = load("gpt2");
  const auto report = health(*model);
  ASSERT_EQ(report.size(), model->layout().size());
  const at::Tensor first = model->stored().at(model->layout()[0]).to(at::kDouble);
  EXPECT_EQ(report[0].name, "transformer.wte.weight") << "as the file has it";
  EXPECT_EQ(report[0].elements, 96 * 32);
  EXPECT_EQ(report[0].nan, 0);
  EXPECT_NEAR(report[0].mean, first.mean().item<double>(), 1e-9);
  EXPECT_NEAR(report[0].deviation, first.std(/*unbiased=*/false).item<double>(), 1e-9);
  EXPECT_EQ(report[0].abs_max, first.abs().max().item<double>());

  for (const TensorHealth& t : health(*load_model(fixture("malformed/st_nan_weights"), {}))) {
    EXPECT_EQ(t.nan > 0, t.name == "transformer.h.0.attn.c_attn.weight") << t.name;
    EXPECT_TRUE(std::isfinite(t.deviation));
  }
}

TEST(Presets, AreSeededAndHaveGpt2sSpread) {
  DecoderConfig config = preset("gpt2").config();
  config.layers.resize(2);
  config.vocab = 500;
  const Family& family = family_of("gpt2", "test");
  const auto a = make_random(family, config, 1), b = make_random(family, config, 1),
             c = make_random(family, config, 2);
  EXPECT_EQ(a->hash(), b->hash());
  EXPECT_NE(a->hash(), c->hash());
  const auto report = health(*a);
  for (const TensorHealth& t : report) {
    const auto is = [&](const char* end) { return t.name.ends_with(end); };
    const double residual = 0.02 / std::sqrt(2.0 * 2.0);
    EXPECT_EQ(t.mean == 1.0, is("ln_1.weight") || is("ln_2.weight") || is("ln_f.weight")) << t.name;
    EXPECT_EQ(t.abs_max == 0.0, is(".bias")) << t.name;
    if (is("c_proj.weight")) {
      EXPECT_NEAR(t.deviation, residual, 2e-4) << t.name;
    } else if (is("c_attn.weight") || is("c_fc.weight") || is("wte.weight")) {
      EXPECT_NEAR(t.deviation, 0.02, 2e-4) << t.name;
    }
  }
}

TEST(Presets, DoNotDependOnTheNumberOfThreads) {
  const auto model = load("llama");
  const auto one = make_random(model->family(), model->config(), 3);
  set_threads(2);
  const auto two = make_random(model->family(), model->config(), 3);
  set_threads(1);
  EXPECT_EQ(one->hash(), two->hash());
}

TEST(Presets, MakeTheSmallestInAnyDtype) {
  const auto model = make_preset(preset("decoder_tiny"), 1, Dtype::bfloat16);
  EXPECT_EQ(model->dtype(), Dtype::bfloat16);
  EXPECT_FALSE(model->source().folder);
  EXPECT_EQ(forward(*model, some_ids(1, 3, model->config().vocab), {.last_only = true}).size(2),
            50257);
}

}  // namespace
}  // namespace crescent::test
