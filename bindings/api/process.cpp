#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

constexpr std::string_view kEnded =
    "{ code: integer?, signal: string?, reason: string, core: boolean, out_of_memory: boolean, "
    "memory_bytes_peak: number?, absent: table? }?";

Function spawn_function() {
  return {.name = "crescent.process.spawn",
          .home = Home::core,
          .doc =
              "Starts a program as a child of this one, to which messages can be sent: what "
              "crashes or runs out of memory there ends nothing here. A Ctrl-C at the terminal "
              "reaches this process alone, which ends the child and all that it started when "
              "the handle is closed or collected, or this process ends. Its standard input is "
              "empty, its folder this process's; standard output and standard error are read "
              "together, while this process waits in send, receive or close: who writes more "
              "than 64 KiB until then waits. When memory runs out, the kernel takes the child "
              "first. If this process is killed, a child ends with it that has called "
              "crescent.process.channel. Raises if the program can't be started. Takes a "
              "millisecond.",
          .args = {{"command", Kind::table, "the program, looked for in PATH, and its arguments"}},
          .options = {{"environment", Kind::table, "",
                       "variables by name, beside those of this process"},
                      {"pass_on", Kind::boolean, "false",
                       "shows what the child writes on standard error, too"}},
          .returns = "crescent.Child",
          .example =
              "local child = crescent.process.spawn { crescent.process.executable(), "
              "'worker.lua' }"};
}

std::vector<Function> child_functions() {
  const Argument child{"child", Kind::child, ""};
  return {
      {.name = "child:send",
       .home = Home::core,
       .doc = "Sends a text of any bytes, at most 1 GiB, and returns when the child has room for "
              "it; messages that come meanwhile are kept. Nil and the reason if the child has "
              "ended or closed its channel. After a Ctrl-C the text goes out whole with the next "
              "call.",
       .args = {child, {"text", Kind::text, "the message"}},
       .returns = "true?, string?",
       .example = "child:send 'cell 7'"},
      {.name = "child:receive",
       .home = Home::core,
       .doc = "Waits for the child's next message. Nil and the reason if there is none: "
              "child.ended then says how the child ended, or is nil if only the time is over. "
              "Messages that were sent before the end come first. Raises if what came through the "
              "channel is no message.",
       .args = {child},
       .options = {{"timeout_s", Value::at_least(Kind::number, 0), "",
                    "waits no longer than that; 0 only looks; default: until there is one"}},
       .returns = "string?, string?",
       .example = "local text, reason = child:receive { timeout_s = 60 }"},
      {.name = "child:output",
       .home = Home::core,
       .doc = "Gives the last lines that the child has written to standard output and standard "
              "error, of at most 64 KiB, without the newline at the end.",
       .args = {child},
       .options = {{"lines", Value::at_least(Kind::integer, 1), "20", "at most so many"}},
       .returns = "string",
       .example = "print(child:output { lines = 5 })"},
      {.name = "child:close",
       .home = Home::core,
       .doc = "Ends the child, if it still runs, and all that it started: SIGTERM, and half a "
              "second later SIGKILL. child.ended, child.running and child:output still answer.",
       .args = {child},
       .returns = "",
       .example = "child:close()"},
  };
}

std::vector<Function> channel_functions() {
  const Argument channel{"channel", Kind::channel, ""};
  return {
      {.name = "crescent.process.channel",
       .home = Home::core,
       .doc = "Gives the channel to the process that started this one with "
              "crescent.process.spawn; nil and the reason in any other process. From its first "
              "call on this process ends, at once, when that one ends, and prints line by line, so "
              "that a crash loses none.",
       .returns = "crescent.Channel?, string?",
       .example = "local channel = assert(crescent.process.channel())"},
      {.name = "channel:send",
       .home = Home::core,
       .doc = "Sends a text of any bytes, at most 1 GiB, to the process that started this one; "
              "returns when that one has room for it. Ends this process if that one is gone.",
       .args = {channel, {"text", Kind::text, "the message"}},
       .returns = "",
       .example = "crescent.process.channel():send 'done'"},
      {.name = "channel:receive",
       .home = Home::core,
       .doc = "Waits for the next message of the process that started this one. Ends this process "
              "if that one is gone.",
       .args = {channel},
       .returns = "string",
       .example = "local text = crescent.process.channel():receive()"},
  };
}

template <class... Lists>
std::vector<Function> joined(Lists... lists) {
  std::vector<Function> all;
  (all.insert(all.end(), lists.begin(), lists.end()), ...);
  return all;
}

}  // namespace

const Subject& process_subject() {
  static const Function threads{
      .name = "crescent.threads",
      .home = Home::core,
      .doc =
          "Gives the number of threads that everything below Lua uses, after setting it if "
          "one is given. "
          "The default is what affinity and the cgroup quota allow.",
      .args = {{"n", Value::between(Kind::integer, 1, 1024), "threads from now on", true}},
      .returns = "integer",
      .example = "print(crescent.threads())"};
  static const Function executable{
      .name = "crescent.process.executable",
      .home = Home::core,
      .doc =
          "Gives the path of the crescent that runs this script, for children that run "
          "crescent too. Raises if its file was removed or replaced since it started.",
      .returns = "string",
      .example = "print(crescent.process.executable())"};
  static const Subject subject{
      .title = "The process",
      .functions = joined(std::vector{threads, executable, spawn_function()}, child_functions(),
                          channel_functions()),
      .fields =
          {{"child.pid", "The number that the system gave it.", "integer"},
           {"child.running", "False once it has ended. Looks, and doesn't wait.", "boolean"},
           {"child.ended",
            "How it ended; nil while it runs. `reason` says it in words: 'exited with 3', 'killed "
            "by SIGSEGV'. `out_of_memory` is true if the kernel's out-of-memory killer sends that "
            "signal and has ended a process meanwhile. `memory_bytes_peak` is the most that the "
            "child had resident, as the kernel counts it; if this process had more when it started "
            "the child, the most that was seen while it waited, ten times a second and with "
            "messages.",
            kEnded}},
  };
  return subject;
}

}  // namespace crescent::api
