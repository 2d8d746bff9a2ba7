#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "bindings/callback.h"
#include "engine/observe.h"
#include "profiler/clock.h"

namespace crescent {

/// Tells a Lua function of sections and tokens while they come. Passes all that it is told on to
/// another observer; what Lua is told waits until a token is there, so that nothing that Lua does
/// falls into a section, and an error of the function can pass.
class EventStream final : public Observer {
 public:
  EventStream(Observer& inner, const Callback& function) : inner_(inner), function_(function) {}

  SiteSet wanted_tensors() const override { return inner_.wanted_tensors(); }
  SiteSet wanted_spans() const override { return inner_.wanted_spans(); }
  void tensor(Site site, int32_t layer, const TensorView& view) override {
    inner_.tensor(site, layer, view);
  }
  void begin(Site site, int32_t layer) override { inner_.begin(site, layer); }
  void end(Site site, int32_t layer) override { inner_.end(site, layer); }
  void begin_section(Section section, SectionSize size) override;
  void end_section(Section section) override;

  /// Tells of the sections since the last call. @return false if the function said so: stop.
  bool deliver();
  /// Then of a token. @param index  from 0
  bool deliver_token(int64_t index, int32_t id, std::string_view text);

 private:
  struct Ended {
    Section section;
    SectionSize size;
    int64_t ns;
  };
  template <class Fill>
  bool call(Fill fill);

  Observer& inner_;
  const Callback& function_;
  SteadyClock clock_;
  int64_t began_ns_ = 0;
  SectionSize size_;
  std::vector<Ended> ended_;
};

}  // namespace crescent
