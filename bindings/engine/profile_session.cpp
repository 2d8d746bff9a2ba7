#include <fmt/format.h>

#include "bindings/callback.h"
#include "bindings/engine/handles.h"
#include "bindings/engine/profile.h"
#include "bindings/observing.h"
#include "engine/threads.h"

namespace crescent {
namespace {

/// What passed between windows is nobody's.
void drop_pauses(ProfileNode& run) {
  std::erase_if(run.children,
                [](const ProfileNode& child) { return child.kind == NodeKind::self; });
  run.time_ns = 0;
  for (const ProfileNode& child : run.children) run.time_ns += child.time_ns;
}

/// A profile of whatever runs while one of its windows is open.
class ProfileSession final : public Watcher {
 public:
  explicit ProfileSession(const ProfileSpec& spec) : spec_(spec), recordings_(spec) {}
  ~ProfileSession() override {
    if (active_watcher() == this) set_active_watcher(nullptr);
  }
  ProfileSession(const ProfileSession&) = delete;
  ProfileSession& operator=(const ProfileSession&) = delete;

  Observer& observer() override { return recordings_.recorder(); }
  void running(const std::shared_ptr<const Model>& model) override {
    several_ |= model_ != nullptr && model_ != model;
    model_ = model;
  }

  void enter(const std::string& name) {
    if (active_watcher() != nullptr && active_watcher() != this)
      fail("window '{}': another profile session has a window open; close that one first", name);
    recordings_.recorder().begin_window(name);
    set_active_watcher(this);
  }
  void leave(const std::string& name) {
    recordings_.recorder().end_window(name);
    rest();
  }
  /// An error leaves the innermost window.
  void abandon() noexcept {
    recordings_.recorder().abandon_window();
    rest();
  }

  std::string text() const {
    return fmt::format(
        "profile session, {}, {}", spec_.mode,
        recordings_.recorder().in_window() ? "a window is open" : "no window is open");
  }

  ProfileReport finish() {
    if (active_watcher() == this) set_active_watcher(nullptr);
    ProfileReport report{.mode = spec_.mode, .every_layer = spec_.recorder.every_layer};
    report.threads = threads();
    report.cost.emplace(ProfileCost{.spans = recordings_.recorder().spans_recorded(),
                                    .span_ns = span_cost_ns(spec_.recorder),
                                    .absent = "a session doesn't repeat what the script does"});
    const Model* const model = several_ ? nullptr : model_.get();
    report.process = process_memory();
    report.trials.push_back(recordings_.finish(model));
    drop_pauses(report.trials.back().tree);
    if (model) {
      describe_model(model_, report);
      report.absent = absent_parts(*model, spec_);
    } else report.limits.absent = several_ ? "several models ran" : "no model ran";
    return report;
  }

 private:
  void rest() {
    if (!recordings_.recorder().in_window()) set_active_watcher(nullptr);
  }

  ProfileSpec spec_;
  Recordings recordings_;
  std::shared_ptr<const Model> model_;
  bool several_ = false;
};

using SessionOfProfile = std::shared_ptr<ProfileSession>;

}  // namespace

template <>
struct HandleName<SessionOfProfile> {
  static constexpr const char* value = "Profiling";
};

namespace {

int profile_session(Args& args) {
  push_handle<SessionOfProfile>(args.L(),
                                std::make_shared<ProfileSession>(read_profile_spec(args)));
  return 1;
}

/// Leaves a window whichever way its function ends.
class Window {
 public:
  Window(SessionOfProfile session, std::string name)
      : session_(std::move(session)), name_(std::move(name)) {
    session_->enter(name_);
  }
  ~Window() {
    if (!left_) session_->abandon();
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  void leave() {
    session_->leave(name_);
    left_ = true;
  }

 private:
  SessionOfProfile session_;
  std::string name_;
  bool left_ = false;
};

int profiling_window(Args& args) {
  lua_State* L = args.L();
  Window window(args.handle<SessionOfProfile>(1), std::string(args.text(2)));
  const int top = lua_gettop(L);
  Callback(L, 3).call(LUA_MULTRET, [](lua_State*) { return 0; });
  window.leave();
  return lua_gettop(L) - top;
}

int profiling_enter(Args& args) {
  args.handle<SessionOfProfile>(1)->enter(std::string(args.text(2)));
  return 0;
}

int profiling_leave(Args& args) {
  args.handle<SessionOfProfile>(1)->leave(std::string(args.text(2)));
  return 0;
}

int profiling_finish(Args& args) {
  const SessionOfProfile session = args.handle<SessionOfProfile>(1);
  ProfileReport report = session->finish();
  report.environment = current_environment(args.L());
  test_handle<SessionOfProfile>(args.L(), 1)->reset();
  push_profile(args.L(), std::move(report));
  return 1;
}

int profiling_tostring(lua_State* L) {
  const auto* box = test_handle<SessionOfProfile>(L, 1);
  push(L, box && *box ? (**box)->text() : "finished profile session");
  return 1;
}

int profiling_close(Args& args) {
  test_handle<SessionOfProfile>(args.L(), 1)->reset();
  return 0;
}

}  // namespace

void register_profile() {
  provide({
      {"crescent.profile.run", profile_run},
      {"crescent.profile.session", profile_session},
      {"profiling:window", profiling_window},
      {"profiling:enter", profiling_enter},
      {"profiling:leave", profiling_leave},
      {"profiling:finish", profiling_finish},
      {"profiling:close", profiling_close},
  });
  provide_metamethod("Profiling", "__tostring", &guarded<profiling_tostring>);
}

}  // namespace crescent
