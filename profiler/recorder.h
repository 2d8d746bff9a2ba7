#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/observe.h"
#include "profiler/span_codec.h"
#include "profiler/spans.h"
#include "profiler/ticks.h"

namespace crescent {

/// Takes the views of tensors that a recorder is shown: activation_statistics.h is one.
class TensorSink {
 public:
  virtual ~TensorSink() = default;
  virtual SiteSet wanted() const = 0;
  virtual void take(Section section, Site site, int32_t layer, const TensorView& view) = 0;
};

/// Is told of every section that ended, outside of what is timed.
class SectionListener {
 public:
  virtual ~SectionListener() = default;
  virtual void ended(Section section) = 0;
};

struct RecorderOptions {
  bool layers = false;
  bool components = false;
  bool operations = false;
  /// Looks into every n-th decode step only, and into the components of every n-th layer only.
  int32_t every_token = 1;
  int32_t every_layer = 1;
  TensorSink* sink = nullptr;           ///< outlives the recorder
  SectionListener* listener = nullptr;  ///< likewise; must not throw
};

/// Writes down what it is told, at a few nanoseconds a span: one clock reading and a store at each
/// end, into memory that was allocated before. At the end of a section, when half of that is full,
/// its spans are packed; that is recorded as the profiler's own work, like the time of the sink.
///
/// Not for two threads at once. What ends a span never throws.
class Recorder final : public Observer {
 public:
  Recorder(const RecorderOptions& options, Clock& clock, bool counter = Ticks::counter_is_steady());

  SiteSet wanted_tensors() const override;
  SiteSet wanted_spans() const override { return detailed_ ? sites_ : SiteSet{}; }
  void tensor(Site site, int32_t layer, const TensorView& view) override;
  void begin(Site site, int32_t layer) override;
  void end(Site site, int32_t layer) override;
  void begin_section(Section section, SectionSize size) override;
  void end_section(Section section) override;

  /// @throws Error if 256 different names have been used.
  void begin_window(std::string_view name);
  /// Ends the innermost window, which must be `name`; what was left open in it is closed and
  /// marked. @throws Error if none is open, or another is the innermost.
  void end_window(std::string_view name);
  /// As end_window, for a window that an error leaves: closes what it holds and marks it.
  void abandon_window() noexcept;
  bool in_window() const;

  /// A stretch of the profiler's own work.
  template <class Work>
  void own_work(Work work) {
    const uint64_t begin = ticks_.now();
    work();
    put({begin, ticks_.now(), {}, SpanKind::profiling, 0, layer_now(), false});
  }

  int64_t spans_recorded() const { return spans_; }
  int64_t start_ns() const { return ticks_.first_ns(); }  ///< of the recording, by its clock
  /// Ends what is open, marks it, and hands out everything. The recorder is empty then.
  Recording finish();

 private:
  struct Raw {
    uint64_t begin, end;
    SectionSize size;
    SpanKind kind;
    uint8_t id;
    int16_t layer;
    bool cut;
  };

  bool skips(int32_t layer, Site site) const {
    return layer > 0 && layer % options_.every_layer != 0 && site != Site::block;
  }
  int16_t layer_now() const { return open_.empty() ? int16_t{-1} : open_.back().layer; }
  void open(SpanKind kind, uint8_t id, int16_t layer, SectionSize size);
  void close(SpanKind kind, uint8_t id, int16_t layer, bool cut);
  void close_top(uint64_t now, bool cut);
  void put(const Raw& raw);
  void pack();

  RecorderOptions options_;
  Ticks ticks_;
  uint64_t start_;
  SiteSet sites_;
  bool detailed_ = true;
  int64_t decode_steps_ = 0;
  Section section_ = Section::prefill;
  int uncaught_ = 0;
  std::vector<Raw> open_;
  std::vector<Raw> ring_;  ///< of fixed size
  size_t filled_ = 0;
  uint64_t last_end_ = 0;
  int64_t spans_ = 0;
  SpanPacker packed_;  ///< in ticks from start_
  std::vector<std::string> windows_;
};

/// What recording a span costs here and now, in ns: the median of a few batches through a recorder
/// of its own. Takes about 2 ms.
double span_cost_ns(const RecorderOptions& options);

}  // namespace crescent
