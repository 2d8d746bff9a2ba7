#include "profiler/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "engine/interrupt.h"

namespace crescent {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kPieceBytes = size_t{1} << 16;
constexpr int kPiecesMax = 64;  // of one transfer: who sends without end must not hold up the rest
/// Beyond it a buffer's used front is given back.
constexpr size_t kUsedMax = size_t{1} << 20;

void drop_front(std::string& buffer, size_t& used) {
  if (used == buffer.size()) {
    std::string().swap(buffer);
    used = 0;
  } else if (used > kUsedMax && used > buffer.size() / 2) {
    buffer.erase(0, used);
    used = 0;
  }
}

bool is_unix_socket(int fd) {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

}  // namespace

short MessageStream::events() const {
  return static_cast<short>((is_readable_ ? POLLIN : 0) | (has_queued() ? POLLOUT : 0));
}

void MessageStream::queue(std::string_view message) {
  if (message.size() > kMessageBytesMax)
    fail(
        "a message of {} bytes is longer than 1 GiB, the most that one can have; send it in parts, "
        "or a file's name",
        message.size());
  if (is_lost_) return;
  for (size_t i = 0; i < kLengthBytes; ++i)
    outbox_ += static_cast<char>(static_cast<uint64_t>(message.size()) >> (8 * i) & 0xff);
  outbox_ += message;
}

bool MessageStream::transfer() {
  if (!socket_) return false;
  const bool has_written = write();
  return read() || has_written;
}

bool MessageStream::write() {
  bool any = false;
  while (has_queued()) {
    const ssize_t bytes = ::send(socket_.get(), outbox_.data() + sent_, outbox_.size() - sent_,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (bytes < 0) {
      is_lost_ = true;
      sent_ = outbox_.size();
      break;
    }
    sent_ += static_cast<size_t>(bytes);
    any = true;
  }
  drop_front(outbox_, sent_);
  return any;
}

bool MessageStream::read() {
  bool any = false;
  std::array<char, kPieceBytes> piece;
  for (int pieces = 0; is_readable_ && pieces < kPiecesMax;) {
    const ssize_t bytes = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (bytes <= 0) {
      is_readable_ = false;
      break;
    }
    inbox_.append(piece.data(), static_cast<size_t>(bytes));
    any = true;
    ++pieces;
  }
  return any;
}

std::optional<std::string> MessageStream::next() {
  if (inbox_.size() - taken_ < kLengthBytes) return std::nullopt;
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(inbox_[taken_ + i]);
  if (length > kMessageBytesMax) {
    is_readable_ = false;
    taken_ = inbox_.size();
    drop_front(inbox_, taken_);
    fail(
        "what came through the channel is no message: its length would be {} bytes; does "
        "something else write to descriptor {}?",
        length, kChannelDescriptor);
  }
  if (inbox_.size() - taken_ - kLengthBytes < length) return std::nullopt;
  std::string message = inbox_.substr(taken_ + kLengthBytes, length);
  taken_ += kLengthBytes + length;
  drop_front(inbox_, taken_);
  return message;
}

void MessageStream::close() {
  socket_.reset();
  is_readable_ = false;
  is_lost_ |= has_queued();
  sent_ = outbox_.size();
  drop_front(outbox_, sent_);
}

std::optional<Channel> Channel::from_environment() {
  const char* const named = std::getenv(kChannelVariable);
  if (!named) return std::nullopt;
  const std::string text = named;
  int fd = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fd);
  if (error != std::errc() || end != text.data() + text.size() || !is_unix_socket(fd))
    fail(
        "{}: expected the number of an open socket's descriptor, got '{}'; crescent sets it for "
        "the processes that it starts",
        kChannelVariable, text);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::unsetenv(kChannelVariable);
  // A parent that was gone before this call has closed its end, which `receive` and `send` see.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  return Channel(Descriptor(fd));
}

void Channel::wait() {
  check_interrupt();
  pollfd ready{.fd = stream_.fd(), .events = stream_.events(), .revents = 0};
  ::poll(&ready, 1, kWaitSliceMs);
  stream_.transfer();
}

std::optional<std::string> Channel::receive() {
  for (;;) {
    if (auto message = stream_.next()) return message;
    if (!stream_.is_readable()) return std::nullopt;
    wait();
  }
}

bool Channel::send(std::string_view message) {
  stream_.queue(message);
  do {
    wait();
  } while (stream_.has_queued() && stream_.is_readable());
  return !stream_.is_lost() && stream_.is_readable();
}

}  // namespace crescent
