#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "bindings/core/core.h"
#include "bindings/push.h"
#include "profiler/child_process.h"

namespace crescent {

template <>
struct HandleName<std::unique_ptr<ChildProcess>> {
  static constexpr const char* value = "Child";
};
template <>
struct HandleName<Channel*> {
  static constexpr const char* value = "Channel";
};

namespace {

using Child = std::unique_ptr<ChildProcess>;

/// A process has one parent, and Lua's handles on the channel come and go.
std::optional<Channel> parent;

std::string text_at_top(lua_State* L) {
  size_t length;
  const char* const text = lua_tolstring(L, -1, &length);
  return {text, length};
}

std::vector<std::string> command_of(const Args& args) {
  lua_State* L = args.L();
  std::vector<std::string> command;
  const auto count = static_cast<int>(lua_objlen(L, 1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, 1, i);
    const int type = lua_type(L, -1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER)
      args.bad(1, "a list of strings", fmt::format("{} at position {}", describe(L, -1), i));
    command.push_back(text_at_top(L));
    lua_pop(L, 1);
  }
  if (command.empty()) args.bad(1, "a list of a program's name and its arguments", "an empty one");
  return command;
}

std::vector<std::pair<std::string, std::string>> environment_of(const Args& args) {
  std::vector<std::pair<std::string, std::string>> environment;
  if (!args.has("environment")) return environment;
  lua_State* L = args.L();
  args.push("environment");
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING)
      args.bad("environment", "values by name", fmt::format("the key {}", describe(L, -2)));
    const std::string name = lua_tostring(L, -2);
    const int type = lua_type(L, -1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER)
      args.bad("environment", "strings", fmt::format("{} for '{}'", describe(L, -1), name));
    environment.emplace_back(name, text_at_top(L));
  }
  lua_pop(L, 1);
  return environment;
}

int process_spawn(Args& args) {
  const ChildOptions options{.command = command_of(args),
                             .environment = environment_of(args),
                             .pass_on = args.boolean("pass_on")};
  push_handle<Child>(args.L(), std::make_unique<ChildProcess>(options));
  return 1;
}

int process_executable(Args& args) {
  constexpr std::string_view kGone = " (deleted)";  // what the kernel adds, proc(5)
  const std::string path = std::filesystem::read_symlink("/proc/self/exe").string();
  if (path.ends_with(kGone))
    fail("{} was removed or replaced since it started; start crescent again",
         path.substr(0, path.size() - kGone.size()));
  return give(args, path);
}

std::string reason_of(ChildProcess& child) {
  if (const auto& end = child.ended())
    return fmt::format("child process {}: {}", child.pid(), end->reason());
  return fmt::format("child process {}: it has closed its channel", child.pid());
}

int child_send(Args& args) {
  ChildProcess& child = *args.handle<Child>(1);
  if (!child.send(args.text(2))) return push_nothing(args.L(), reason_of(child));
  return give(args, true);
}

int child_receive(Args& args) {
  ChildProcess& child = *args.handle<Child>(1);
  std::optional<double> timeout_s;
  if (args.given("timeout_s")) timeout_s = args.number("timeout_s");
  const Received received = child.receive(timeout_s);
  switch (received.what) {
    case Received::What::message: return give(args, received.message);
    case Received::What::ended: return push_nothing(args.L(), reason_of(child));
    case Received::What::timed_out: break;
  }
  return push_nothing(
      args.L(), fmt::format("child process {}: no message within {} s", child.pid(), *timeout_s));
}

int child_output(Args& args) {
  return give(args, args.handle<Child>(1)->output(args.integer("lines")));
}

/// The handle stays: how the child ended is asked for later.
int child_close(Args& args) {
  args.handle<Child>(1)->kill();
  return 0;
}

int child_pid(Args& args) { return give(args, int64_t{args.handle<Child>(1)->pid()}); }

int child_running(Args& args) { return give(args, !args.handle<Child>(1)->ended()); }

int child_ended(Args& args) {
  lua_State* L = args.L();
  const auto& end = args.handle<Child>(1)->ended();
  if (!end) {
    lua_pushnil(L);
    return 1;
  }
  NewTable table(L);
  table.set("reason", end->reason());
  if (end->code) table.set("code", *end->code);
  if (!end->signal.empty()) table.set("signal", end->signal);
  table.set("core", end->core);
  table.set("out_of_memory", end->out_of_memory());
  if (end->memory_bytes_peak) table.set("memory_bytes_peak", *end->memory_bytes_peak);
  else
    table.absent("memory_bytes_peak",
                 "it took less than this process had when it started the child, and ended before "
                 "anybody looked");
  return 1;
}

int child_tostring(lua_State* L) {
  auto* child = test_handle<Child>(L, 1);
  if (!child || !*child) push(L, "closed child process");
  else if (const auto& end = (**child)->ended())
    push(L, fmt::format("child process {}, {}", (**child)->pid(), end->reason()));
  else push(L, fmt::format("child process {}, running", (**child)->pid()));
  return 1;
}

int process_channel(Args& args) {
  if (!parent) {
    parent = Channel::from_environment();
    // What was printed before a crash must not stay behind in a buffer.
    if (parent) std::setvbuf(stdout, nullptr, _IOLBF, 0);
  }
  if (!parent)
    return push_nothing(
        args.L(),
        fmt::format("this process was not started by crescent.process.spawn: {} is not set",
                    kChannelVariable));
  push_handle<Channel*>(args.L(), &*parent);
  return 1;
}

/// Nobody is left who wants to know anything of this process.
int end_with_parent(lua_State* L) {
  lua_getglobal(L, "os");
  lua_getfield(L, -1, "exit");
  lua_pushinteger(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

int channel_send(Args& args) {
  if (!args.handle<Channel*>(1)->send(args.text(2))) return end_with_parent(args.L());
  return 0;
}

int channel_receive(Args& args) {
  if (const auto message = args.handle<Channel*>(1)->receive()) return give(args, *message);
  return end_with_parent(args.L());
}

int channel_tostring(lua_State* L) {
  push(L, "channel to the process that started this one");
  return 1;
}

}  // namespace

void register_child() {
  provide({
      {"crescent.process.spawn", process_spawn},
      {"crescent.process.executable", process_executable},
      {"crescent.process.channel", process_channel},
      {"child:send", child_send},
      {"child:receive", child_receive},
      {"child:output", child_output},
      {"child:close", child_close},
      {"channel:send", channel_send},
      {"channel:receive", channel_receive},
  });
  provide_fields(
      {{"child.pid", child_pid}, {"child.running", child_running}, {"child.ended", child_ended}});
  provide_metamethod("Child", "__tostring", &guarded<child_tostring>);
  provide_metamethod("Channel", "__tostring", &guarded<channel_tostring>);
}

}  // namespace crescent
