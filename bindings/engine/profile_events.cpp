#include "bindings/engine/profile_events.h"

#include <utility>

#include "bindings/push.h"

namespace crescent {

void EventStream::begin_section(Section section, SectionSize size) {
  size_ = size;
  inner_.begin_section(section, size);
  began_ns_ = clock_.now_ns();
}

void EventStream::end_section(Section section) {
  ended_.push_back({section, size_, clock_.now_ns() - began_ns_});
  inner_.end_section(section);
}

template <class Fill>
bool EventStream::call(Fill fill) {
  lua_State* L = function_.state();
  function_.call(1, [&](lua_State*) {
    NewTable event(L);
    fill(event);
    return 1;
  });
  const bool stop = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
  lua_pop(L, 1);
  return !stop;
}

bool EventStream::deliver() {
  bool go_on = true;
  for (const Ended& ended : std::exchange(ended_, {}))
    go_on &= call([&](const NewTable& event) {
      event.set("event", "section");
      event.set("section", name_of(ended.section));
      event.set("tokens", ended.size.tokens);
      event.set("past", ended.size.past);
      event.set("time_ms", static_cast<double>(ended.ns) / 1e6);
    });
  return go_on;
}

bool EventStream::deliver_token(int64_t index, int32_t id, std::string_view text) {
  const bool go_on = deliver();
  return call([&](const NewTable& event) {
           event.set("event", "token");
           event.set("index", index + 1);
           event.set("id", id);
           event.set("text", text);
         }) &&
         go_on;
}

}  // namespace crescent
