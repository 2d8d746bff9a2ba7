#include "profiler/recorder.h"

#include <algorithm>
#include <exception>

#include "engine/error.h"
#include "profiler/statistics.h"

namespace crescent {
namespace {

// 40 bytes each: 1.3 MB, room for some hundred decode steps between two packings.
constexpr size_t kRing = 1 << 15;
constexpr size_t kOpenMax = 64;

SiteSet sites_of(const RecorderOptions& options) {
  SiteSet sites;
  for (int i = 0; i < kSites; ++i) {
    const auto site = static_cast<Site>(i);
    const SiteDepth depth = depth_of(site);
    if ((depth == SiteDepth::layer && options.layers) ||
        (depth == SiteDepth::component && options.components) ||
        (depth == SiteDepth::operation && options.operations))
      sites.add(site);
  }
  return sites;
}

}  // namespace

Recorder::Recorder(const RecorderOptions& options, Clock& clock, bool counter)
    : options_(options),
      ticks_(clock, counter),
      start_(ticks_.now()),
      sites_(sites_of(options)),
      ring_(kRing),
      last_end_(start_) {
  open_.reserve(kOpenMax);
}

SiteSet Recorder::wanted_tensors() const {
  return options_.sink && detailed_ ? options_.sink->wanted() : SiteSet{};
}

void Recorder::tensor(Site site, int32_t layer, const TensorView& view) {
  if (skips(layer, site)) return;
  own_work([&] { options_.sink->take(section_, site, layer, view); });
}

void Recorder::begin(Site site, int32_t layer) {
  if (skips(layer, site)) return;
  open(SpanKind::site, static_cast<uint8_t>(site), static_cast<int16_t>(layer), {});
}

void Recorder::end(Site site, int32_t layer) {
  if (skips(layer, site)) return;
  close(SpanKind::site, static_cast<uint8_t>(site), static_cast<int16_t>(layer), false);
}

void Recorder::begin_section(Section section, SectionSize size) {
  section_ = section;
  detailed_ = section != Section::decode || decode_steps_++ % options_.every_token == 0;
  uncaught_ = std::uncaught_exceptions();
  open(SpanKind::section, static_cast<uint8_t>(section), -1, size);
}

void Recorder::end_section(Section section) {
  const bool cut = std::uncaught_exceptions() > uncaught_;
  close(SpanKind::section, static_cast<uint8_t>(section), -1, cut);
  if (options_.listener) own_work([&] { options_.listener->ended(section); });
  if (filled_ >= kRing / 2) own_work([this] { pack(); });
}

void Recorder::begin_window(std::string_view name) {
  auto found = std::find(windows_.begin(), windows_.end(), name);
  if (found == windows_.end()) {
    if (windows_.size() == 256)
      fail("window '{}': 256 different names are used already; give repeated windows one name",
           name);
    found = windows_.emplace(found, name);
  }
  open(SpanKind::window, static_cast<uint8_t>(found - windows_.begin()), -1, {});
}

void Recorder::end_window(std::string_view name) {
  const auto innermost = std::find_if(open_.rbegin(), open_.rend(),
                                      [](const Raw& raw) { return raw.kind == SpanKind::window; });
  if (innermost == open_.rend())
    fail("window '{}': no window is open; it was closed before, or never opened", name);
  if (windows_[innermost->id] != name)
    fail("window '{}': the innermost open window is '{}'; close that one first", name,
         windows_[innermost->id]);
  close(SpanKind::window, innermost->id, -1, false);
}

void Recorder::abandon_window() noexcept {
  const uint64_t now = ticks_.now();
  while (!open_.empty()) {
    const bool is_window = open_.back().kind == SpanKind::window;
    close_top(now, true);
    if (is_window) return;
  }
}

bool Recorder::in_window() const {
  return std::any_of(open_.begin(), open_.end(),
                     [](const Raw& raw) { return raw.kind == SpanKind::window; });
}

void Recorder::open(SpanKind kind, uint8_t id, int16_t layer, SectionSize size) {
  open_.push_back({0, 0, size, kind, id, layer, false});
  open_.back().begin = ticks_.now();
}

/// Ends a span and what was left open inside it. One that isn't open was ended with its parent.
void Recorder::close(SpanKind kind, uint8_t id, int16_t layer, bool cut) {
  const uint64_t now = ticks_.now();
  const auto is_it = [&](const Raw& raw) {
    return raw.kind == kind && raw.id == id && raw.layer == layer;
  };
  if (open_.empty()) return;
  if (!is_it(open_.back())) {
    if (std::none_of(open_.begin(), open_.end(), is_it)) return;
    while (!is_it(open_.back())) close_top(now, true);
  }
  close_top(now, cut);
}

void Recorder::close_top(uint64_t now, bool cut) {
  Raw& raw = open_.back();
  raw.end = now;
  raw.cut = cut;
  put(raw);
  open_.pop_back();
}

void Recorder::put(const Raw& raw) {
  if (filled_ == kRing) pack();
  Raw& slot = ring_[filled_++];
  slot = raw;
  // The counters of two cores may be a few ticks apart.
  slot.end = std::max(slot.end, last_end_);
  last_end_ = slot.end;
  ++spans_;
}

void Recorder::pack() {
  for (size_t i = 0; i < filled_; ++i) {
    const Raw& raw = ring_[i];
    packed_.add({.begin_ns = static_cast<int64_t>(std::min(raw.begin, raw.end) - start_),
                 .end_ns = static_cast<int64_t>(raw.end - start_),
                 .kind = raw.kind,
                 .id = raw.id,
                 .layer = raw.layer,
                 .cut = raw.cut,
                 .size = raw.size});
  }
  filled_ = 0;
}

Recording Recorder::finish() {
  const uint64_t now = ticks_.now();
  while (!open_.empty()) close_top(now, true);
  pack();
  Recording recording;
  recording.spans = unpack_spans(packed_.bytes());
  recording.windows = std::move(windows_);
  // Rounding is monotonic, so spans nest in ns as they did in ticks.
  const double ns = ticks_.ns_per_tick();
  const auto scaled = [ns](int64_t ticks) {
    return static_cast<int64_t>(static_cast<double>(ticks) * ns);
  };
  for (Span& span : recording.spans) {
    span.begin_ns = scaled(span.begin_ns);
    span.end_ns = scaled(span.end_ns);
  }
  recording.duration_ns = scaled(static_cast<int64_t>(now - start_));
  packed_ = {};
  windows_.clear();
  return recording;
}

double span_cost_ns(const RecorderOptions& options) {
  SteadyClock clock;
  RecorderOptions alone = options;
  alone.sink = nullptr;
  alone.listener = nullptr;
  Recorder recorder(alone, clock);
  Observer& observer = recorder;
  constexpr int kBatches = 9, kSpans = 1000;
  std::vector<double> batches;
  for (int batch = 0; batch < kBatches; ++batch) {
    const int64_t begin = clock.now_ns();
    for (int i = 0; i < kSpans; ++i) {
      observer.begin(Site::qkv, 0);
      observer.end(Site::qkv, 0);
    }
    batches.push_back(static_cast<double>(clock.now_ns() - begin) / kSpans);
  }
  return median(batches);
}

}  // namespace crescent
