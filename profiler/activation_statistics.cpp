#include "profiler/activation_statistics.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/moments.h"

namespace crescent {
namespace {

/// What activation statistics are about: the output of every component.
constexpr Site kActivations[] = {
    Site::embedding, Site::attention_norm, Site::attention_value, Site::attention_output,
    Site::ffn_norm,  Site::ffn_up,         Site::ffn_activation,  Site::ffn_down,
    Site::block,     Site::final_norm};
/// What enters a norm, and what leaves it.
constexpr Site kNormsIn[] = {Site::embedding, Site::attention_residual, Site::block};
constexpr Site kNormsOut[] = {Site::attention_norm, Site::ffn_norm, Site::final_norm};

template <class Sites>
SiteSet set_of(const Sites& sites) {
  SiteSet set;
  for (Site site : sites) set.add(site);
  return set;
}

double variance(double sum, double sum_squares, int64_t count) {
  const auto n = static_cast<double>(count);
  const double mean = sum / n;
  return std::max(0.0, sum_squares / n - mean * mean);
}

double share(int64_t part, int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// A place's number, layer by layer; what belongs to no layer (-1) first.
size_t index_of(Section section, int32_t layer, Site site) {
  const auto row = static_cast<size_t>(layer + 1) * kSections + static_cast<size_t>(section);
  return row * kSites + static_cast<size_t>(site);
}

std::tuple<Section, int32_t, Site> place_of(size_t index) {
  const size_t row = index / kSites;
  return {static_cast<Section>(row % kSections), static_cast<int32_t>(row / kSections) - 1,
          static_cast<Site>(index % kSites)};
}

}  // namespace

ActivationStatistics::ActivationStatistics(const StatisticsOptions& options) : options_(options) {
  if (options.activations) activations_ = set_of(kActivations);
  if (options.attention || options.entropy) attention_.add(Site::attention_softmax);
  if (options.norms) norms_in_ = set_of(kNormsIn), norms_out_ = set_of(kNormsOut);
  wanted_.bits = activations_.bits | attention_.bits | norms_in_.bits | norms_out_.bits;
  if (options.gates) wanted_.add(Site::ffn_gate_product).add(Site::ffn_up);
}

ActivationStatistics::Activations& ActivationStatistics::activations_of(const Place& place) {
  const auto& [section, layer, site] = place;
  const size_t index = index_of(section, layer, site);
  if (index >= activations_of_.size()) activations_of_.resize(index + 1);
  return activations_of_[index];
}

/// What the activation is given: the gate's product, and where there is no gate, the up projection.
bool ActivationStatistics::is_gate(Site site, int32_t layer) {
  if (!options_.gates) return false;
  if (site == Site::ffn_gate_product) gated_layer_ = layer;
  return site == Site::ffn_gate_product || (site == Site::ffn_up && gated_layer_ != layer);
}

void ActivationStatistics::take(Section section, Site site, int32_t layer, const TensorView& view) {
  const Place place{section, layer, site};
  if (site == Site::attention_softmax) take_attention(place, view);
  else take_activations(place, view);
}

void ActivationStatistics::take_activations(const Place& place, const TensorView& view) {
  int64_t count = 1;
  for (const int64_t size : view.shape) count *= size;
  if (count == 0) return;
  const Site site = std::get<Site>(place);
  const kernels::Moments moments =
      kernels::moments_kernel().moments(view.data, count, options_.threshold);
  bytes_ += count * int64_t{sizeof(float)};
  if (norms_in_.has(site) || norms_out_.has(site)) {
    const double here = variance(moments.sum, moments.sum_squares, count);
    if (norms_out_.has(site) && variance_in_ > 0) {
      Ratio& ratio = ratios_[place];
      ratio.sum += here / variance_in_;
      ++ratio.passes;
    }
    if (norms_in_.has(site)) variance_in_ = here;
  }
  const bool gate = is_gate(site, std::get<int32_t>(place));
  if (!activations_.has(site) && !gate) return;
  Activations& to = activations_of(place);
  to.is_gate = gate;
  to.sum += moments.sum;
  to.sum_abs += moments.sum_abs;
  to.sum_squares += moments.sum_squares;
  to.abs_max = std::max(to.abs_max, double{moments.abs_max});
  to.below += moments.below;
  to.negative += moments.negative;
  to.count += count;
}

/// view (B, H, T, S): a query sees the keys up to its own; those behind it are zeros by the mask
/// and don't count.
void ActivationStatistics::take_attention(const Place& place, const TensorView& view) {
  const int64_t batch = view.shape[0], heads = view.shape[1], rows = view.shape[2],
                keys = view.shape[3];
  std::vector<Head>& to = heads_[place];
  to.resize(static_cast<size_t>(heads));
  const kernels::MomentsKernel& kernel = kernels::moments_kernel();
  const float* row = view.data;
  for (int64_t b = 0; b < batch; ++b)
    for (Head& head : to)
      for (int64_t t = 0; t < rows; ++t, row += keys) {
        const int64_t seen = keys - rows + t + 1;
        const auto made = kernel.attention_row(row, seen, options_.attention_threshold);
        head.entropy += made.entropy_nats;
        head.max += made.max;
        head.below_share += share(made.below, seen);
        ++head.rows;
      }
  bytes_ += batch * heads * rows * keys * int64_t{sizeof(float)};
}

std::vector<Statistic> ActivationStatistics::results() const {
  std::vector<Statistic> all;
  const auto put = [&](const Place& place, int32_t head, const char* name, double value,
                       int64_t count) {
    const auto& [section, layer, site] = place;
    all.push_back({section, site, static_cast<int16_t>(layer), head, name, value, count});
  };
  for (size_t i = 0; i < activations_of_.size(); ++i) {
    const Activations& made = activations_of_[i];
    if (made.count == 0) continue;
    const Place place = place_of(i);
    const Site site = std::get<Site>(place);
    const auto n = static_cast<double>(made.count);
    if (activations_.has(site)) {
      put(place, -1, "abs_mean", made.sum_abs / n, made.count);
      put(place, -1, "deviation", std::sqrt(variance(made.sum, made.sum_squares, made.count)),
          made.count);
      put(place, -1, "abs_max", made.abs_max, made.count);
      put(place, -1, "below_share", share(made.below, made.count), made.count);
    }
    if (made.is_gate)
      put(place, -1, "negative_share", share(made.negative, made.count), made.count);
  }
  for (const auto& [place, heads] : heads_)
    for (size_t i = 0; i < heads.size(); ++i) {
      const Head& head = heads[i];
      const auto n = static_cast<double>(head.rows);
      put(place, static_cast<int32_t>(i), "entropy_nats", head.entropy / n, head.rows);
      if (!options_.attention) continue;
      put(place, static_cast<int32_t>(i), "weight_max", head.max / n, head.rows);
      put(place, static_cast<int32_t>(i), "sparsity", head.below_share / n, head.rows);
    }
  for (const auto& [place, ratio] : ratios_)
    put(place, -1, "variance_ratio", ratio.sum / static_cast<double>(ratio.passes), ratio.passes);
  std::stable_sort(all.begin(), all.end(), [](const Statistic& a, const Statistic& b) {
    return std::tie(a.section, a.layer, a.site, a.head) <
           std::tie(b.section, b.layer, b.site, b.head);
  });
  return all;
}

}  // namespace crescent
