#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/dtype.h"
#include "engine/families/family.h"
#include "engine/formats/mapped_file.h"
#include "engine/model/config.h"
#include "engine/model/layout.h"
#include "engine/model/level_options.h"
#include "engine/model/weights.h"
#include "engine/tokenizer/tokenizer.h"

namespace crescent {

namespace compiled {
struct Plan;
}

/// What every view of a model shares: description, weights as stored, their fp32 copy, and plans.
struct ModelParts;
struct CompiledPlan;

/// Memory that plans hold or made superfluous.
struct PlanBytes {
  int64_t transposed = 0;  ///< fp32 copies of matrices that a file has as [in, out]
  int64_t packed = 0;      ///< narrower copies
  int64_t given_back = 0;  ///< of the mapped file, in whole pages: what those are copies of
};

/// A model never changes. An edit returns a new one that shares untouched storage.
class Model {
 public:
  struct Source {
    std::optional<std::filesystem::path> folder;  ///< none for presets
    std::string prefix;                           ///< before the tensor names, as in the file
    std::vector<int32_t> end_of_text;             ///< ids that end a generation; may be empty
    int64_t bytes_misaligned = 0;  ///< copied at load because the file has them misaligned
    /// Where weights are mapped from; what holds them open are the tensors.
    std::vector<std::weak_ptr<const MappedFile>> files;
  };

  /// @throws Error if a tensor of the layout is missing or has another shape.
  static std::shared_ptr<const Model> make(const Family& family, DecoderConfig config,
                                           Layout layout, Weights stored, Source source);

  const DecoderConfig& config() const;
  const Family& family() const;
  const Layout& layout() const;
  const Source& source() const;

  /// As in the file: dtype and orientation. Mapped memory where the file allows it; read-only.
  const Weights& stored() const;
  /// fp32, widened once on first use (shared by all levels; the stored ones where they are fp32).
  const Weights& wide() const;

  /// Levels 2 and up: compiled once on first use, for all models of these options, and kept for as
  /// long as one of them lives. Matrices that a file has as [in, out] are copied, transposed; level
  /// 3 packs all of them; the rest is shared with `wide`, and copies with plans of other passes.
  /// @throws OutOfMemory before anything is copied.
  std::shared_ptr<const compiled::Plan> plan() const;

  int level() const { return options_.level; }  ///< see LevelOptions
  const LevelOptions& options() const { return options_; }
  /// The same model run in another way, sharing everything. @throws Error naming the known levels.
  std::shared_ptr<const Model> optimized(const LevelOptions& options) const;
  std::shared_ptr<const Model> at_level(int level) const;  ///< with the level's own options

  /// What the calibration of its options gained; compiles the plan. None without one.
  std::optional<CalibrationGain> calibration_gain() const;

  int64_t parameters() const;
  Dtype dtype() const;            ///< of most stored parameters
  int64_t bytes_stored() const;   ///< of the weights at their stored width
  int64_t bytes_widened() const;  ///< of the fp32 copies made so far; 0 before the first run
  /// What plans hold: this model's own, nothing before its first run; or those of all models that
  /// share these weights.
  PlanBytes plan_bytes() const;
  PlanBytes plan_bytes_of_all() const;
  int64_t bytes_misaligned() const;  ///< copied at load; see Source

  /// By the file's name, with or without the prefix. @throws Error naming the nearest.
  const at::Tensor& weight(std::string_view name) const;

  /// Parsed on first use. @throws Error if the folder has none, or one of a kind that we don't
  /// read.
  std::shared_ptr<const Tokenizer> tokenizer() const;

  /// 16 hex digits over description and weights (all bytes are read once; then kept). The same for
  /// every spelling of one checkpoint: names count without prefix, and config.json doesn't count.
  std::string hash() const;

 private:
  Model(std::shared_ptr<ModelParts> parts, const LevelOptions& options)
      : parts_(std::move(parts)), options_(options) {}
  std::shared_ptr<ModelParts> parts_;
  LevelOptions options_;
  mutable std::shared_ptr<const CompiledPlan> plan_;  // guarded by the parts
};

}  // namespace crescent
