#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/exec/session.h"
#include "engine/model/model.h"
#include "profiler/clock.h"

namespace crescent {

/// Work that can be timed again and again, and whose answer can be held against another model's.
class Workload {
 public:
  virtual ~Workload() = default;
  /// Does the work once; setup inside is not timed.
  virtual double measure_ns(Clock& clock) = 0;
  /// Logits of what the work feeds, through the same kind of session: (tokens, V).
  virtual at::Tensor answer() = 0;
  /// What a sample is divided by, to give the time of one token or of one whole.
  virtual double units() const = 0;
};

struct DecodeShape {
  int64_t prompt = 32;
  int64_t tokens = 100;
  uint64_t seed = 1;             ///< of the ids
  Observer* observer = nullptr;  ///< told of the steps that are timed

  /// Steps in one sample: short, so that blocks of a comparison are short beside any drift.
  int64_t burst() const;
  /// Tokens held before a burst: the burst stands in the middle of the run, where the cost of
  /// attention is that of the run's mean.
  int64_t context() const;
};

/// @throws Error if prompt and tokens are more than the model's positions.
std::unique_ptr<Workload> decode_workload(std::shared_ptr<const Model> model,
                                          const DecodeShape& shape);

struct PrefillShape {
  int64_t tokens = 512;
  uint64_t seed = 1;
};
std::unique_ptr<Workload> prefill_workload(std::shared_ptr<const Model> model,
                                           const PrefillShape& shape);

/// Reading so many bytes, or so many FLOPs of fp32 multiply-adds, as fast as the machine does it on
/// all threads; `units` times in a sample, one behind the other as a token's steps are.
/// @throws Error if memory doesn't suffice
std::unique_ptr<Workload> reading_workload(int64_t bytes, int64_t units);
std::unique_ptr<Workload> multiplying_workload(double flops, int64_t units);

/// Ids of the model's vocabulary, uniformly drawn.
std::vector<int32_t> random_ids(const Model& model, int64_t count, uint64_t seed);

/// FLOPs of a prefill that computes the head for the last token alone.
double prefill_flops(const Model& model, int64_t tokens);

/// Bytes of weights that a decode step reads, as the model's level has them.
double decode_bytes(const Model& model);

/// The largest difference of a logit over the standard deviation of the reference's.
double drift(const at::Tensor& answer, const at::Tensor& reference);

}  // namespace crescent
