#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "profiler/descriptor.h"

namespace crescent {

// Messages between a process and one that it started: byte strings, each behind its length in 8
// bytes, least significant first, through a socket of the Unix domain. Any bytes pass.

inline constexpr uint64_t kMessageBytesMax = uint64_t{1} << 30;
/// Where a child finds its end of the socket, as the environment tells it.
inline constexpr int kChannelDescriptor = 3;
inline constexpr const char* kChannelVariable = "CRESCENT_CHANNEL";
/// How long a wait lasts before it looks for Ctrl-C again.
inline constexpr int kWaitSliceMs = 100;

/// One end. Nothing here waits, and a closed other end kills nobody: who waits polls `fd()` for
/// `events()`, then calls `transfer`.
class MessageStream {
 public:
  explicit MessageStream(Descriptor socket) : socket_(std::move(socket)) {}

  int fd() const { return is_readable_ || has_queued() ? socket_.get() : -1; }  ///< -1: don't poll
  short events() const;
  /// Takes a message for sending. What is queued goes out with every transfer, so that a send that
  /// was interrupted breaks no message in two.
  /// @throws Error beyond kMessageBytesMax.
  void queue(std::string_view message);
  /// Reads and writes what goes without waiting. False if nothing went in either direction.
  bool transfer();
  /// The oldest message that has arrived whole.
  /// @throws Error, and reads no more, if what came is no message.
  std::optional<std::string> next();

  bool has_queued() const { return sent_ < outbox_.size(); }
  bool is_readable() const { return is_readable_; }  ///< false: the other end writes no more
  bool is_lost() const { return is_lost_; }  ///< what was queued could not go out, nor can more
  void close();                              ///< what has arrived stays

 private:
  bool read();
  bool write();

  Descriptor socket_;
  std::string inbox_, outbox_;
  size_t taken_ = 0;  ///< bytes of inbox_ that `next` has given
  size_t sent_ = 0;   ///< bytes of outbox_ that are out
  bool is_readable_ = true, is_lost_ = false;
};

/// The child's side of the channel to the process that started it.
class Channel {
 public:
  /// Opens the channel that the environment names, once: processes that this one starts see none.
  /// From now on the kernel ends this process when the thread that started it is gone. Nothing if
  /// no channel is named.
  /// @throws Error if the variable names no socket.
  static std::optional<Channel> from_environment();

  /// Waits for a message. Nothing if the parent is gone.
  /// @throws Interrupted
  std::optional<std::string> receive();
  /// Waits until the parent has room for all of it. False if the parent is gone.
  /// @throws Interrupted; the message is sent whole by the next call. Error beyond 1 GiB.
  bool send(std::string_view message);

 private:
  explicit Channel(Descriptor socket) : stream_(std::move(socket)) {}
  void wait();

  MessageStream stream_;
};

}  // namespace crescent
