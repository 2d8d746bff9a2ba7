#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/exec/forward.h"
#include "engine/formats/safetensors.h"
#include "engine/model/load.h"
#include "engine/threads.h"
#include "tests/support.h"

namespace crescent::test {

namespace fs = std::filesystem;

/// Tiny models gain nothing from a second thread and lose much on a machine that is busy with other
/// tests. Threads have their own test in exec/threads_test.cpp.
class OneThread : public testing::Environment {
  void SetUp() override { set_threads(1); }
};
inline testing::Environment* const one_thread = testing::AddGlobalTestEnvironment(new OneThread);

inline fs::path fixture(const std::string& path) { return fs::path(CRESCENT_FIXTURES) / path; }
inline fs::path model_folder(const std::string& name) { return fixture("models/" + name); }

inline std::shared_ptr<const Model> load(const std::string& name, int level = 1) {
  return load_model(model_folder(name), {})->at_level(level);
}

/// Every GPT-2 and Llama folder that the reference implementation wrote expectations for.
inline std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fixture("models"))) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("gpt2") || name.starts_with("llama")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

struct Prompt {
  std::string name;
  std::vector<int32_t> ids, greedy;
  double nll_sum, logits_std, tolerance_max_abs;
  int64_t nll_terms;
};

/// expected.json and the arrays that it names.
class Expected {
 public:
  explicit Expected(const std::string& model) {
    std::ifstream file(model_folder(model) / "expected.json");
    json_ = nlohmann::json::parse(file);
    for (const auto& p : json_.at("prompts")) {
      prompts_.push_back({p.at("name"), p.at("input_ids"), p.at("greedy"), p.at("nll_sum"),
                          p.at("logits_std"), p.at("tolerance_max_abs"), p.at("nll_terms")});
    }
    const std::string arrays = json_.value("arrays", "expected.safetensors");
    file_ = SafetensorsFile::open(model_folder(model) / arrays);
  }

  const nlohmann::json& json() const { return json_; }
  const std::vector<Prompt>& prompts() const { return prompts_; }
  at::Tensor array(const std::string& name) const {
    for (const TensorEntry& entry : file_->entries()) {
      if (entry.name != name) continue;
      at::Tensor tensor = at::empty(entry.shape, at::kFloat);
      std::memcpy(tensor.data_ptr(), file_->data(entry).data(), tensor.nbytes());
      return tensor;
    }
    throw Error("no array '" + name + "' among the expectations");
  }

 private:
  nlohmann::json json_;
  std::vector<Prompt> prompts_;
  std::shared_ptr<const SafetensorsFile> file_;
};

inline double max_abs_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  if (a.sizes() != b.sizes()) return INFINITY;
  return a.numel() == 0 ? 0 : (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

inline bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  return x.sizes() == y.sizes() && std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

/// (B, T) ids that walk through the vocabulary; `seed` makes different ones.
inline at::Tensor some_ids(int64_t batch, int64_t tokens, int64_t vocab, int64_t seed = 1) {
  const at::Tensor ids = at::empty({batch, tokens}, at::kLong);
  int64_t* id = ids.data_ptr<int64_t>();
  uint64_t state = static_cast<uint64_t>(seed) * 0x9E3779B97F4A7C15;
  for (int64_t i = 0; i < ids.numel(); ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    id[i] = static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(vocab));
  }
  return ids;
}

/// How gtest names a parameter made of a folder and a level.
inline std::string folder_and_level(
    const testing::TestParamInfo<std::tuple<std::string, int>>& info) {
  return std::get<0>(info.param) + "_level" + std::to_string(std::get<1>(info.param));
}

}  // namespace crescent::test
