#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "profiler/recorder.h"

namespace crescent {

struct StatisticsOptions {
  bool activations = false;  ///< mean |x|, standard deviation, max |x|, share below a threshold
  bool attention = false;    ///< entropy, max weight and sparsity, a head each
  bool entropy = false;      ///< entropy alone
  bool gates = false;        ///< share of negative pre-activations of the feed-forward
  bool norms = false;        ///< variance of a norm's output over that of its input
  float threshold = 1e-3f;   ///< |x| below it counts as small
  float attention_threshold = 1e-3f;  ///< a weight below it counts as nothing
};

/// One figure about one place, over all tokens of a section.
struct Statistic {
  Section section;
  Site site;
  int16_t layer = -1;  ///< from 0
  int32_t head = -1;   ///< from 0; -1: not of a head
  /// 'abs_mean', 'deviation', 'abs_max', 'below_share'; 'entropy_nats', 'weight_max', 'sparsity';
  /// 'negative_share'; 'variance_ratio'
  std::string name;
  double value = 0;
  int64_t count = 0;  ///< of values (activations, gates), rows (attention) or passes (norms)
};

/// Adds up statistics of what a forward pass computes, one fused pass over each tensor.
class ActivationStatistics final : public TensorSink {
 public:
  explicit ActivationStatistics(const StatisticsOptions& options);

  SiteSet wanted() const override { return wanted_; }
  void take(Section section, Site site, int32_t layer, const TensorView& view) override;

  /// In the order of section, layer, site, head.
  std::vector<Statistic> results() const;
  int64_t bytes_read() const { return bytes_; }

 private:
  using Place = std::tuple<Section, int32_t /*layer*/, Site>;
  struct Activations {
    double sum = 0, sum_abs = 0, sum_squares = 0, abs_max = 0;
    int64_t below = 0, negative = 0, count = 0;
    bool is_gate = false;
  };
  struct Head {
    double entropy = 0, max = 0, below_share = 0;
    int64_t rows = 0;
  };
  struct Ratio {
    double sum = 0;
    int64_t passes = 0;
  };

  Activations& activations_of(const Place& place);
  bool is_gate(Site site, int32_t layer);
  void take_activations(const Place& place, const TensorView& view);
  void take_attention(const Place& place, const TensorView& view);

  const StatisticsOptions options_;
  SiteSet wanted_, activations_, attention_, norms_in_, norms_out_;
  std::vector<Activations> activations_of_;  ///< by index_of, those that were seen
  std::map<Place, std::vector<Head>> heads_;
  std::map<Place, Ratio> ratios_;
  double variance_in_ = 0;    ///< of what the next norm takes
  int32_t gated_layer_ = -1;  ///< the last that showed what its gate's product is
  int64_t bytes_ = 0;
};

}  // namespace crescent
