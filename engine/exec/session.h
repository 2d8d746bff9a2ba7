#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <span>

#include "engine/exec/forward.h"
#include "engine/model/model.h"

namespace crescent {

/// A growing sequence (or a batch of equally long ones): what a level keeps between calls.
/// Level 0 keeps the ids and recomputes (it is the truth, not fast); the others keep keys and
/// values.
class Session {
 public:
  virtual ~Session() = default;

  /// @param capacity  most tokens that it will ever hold; memory is asked for before it is taken.
  /// @throws Error if capacity is over positions_max, or memory does not suffice.
  static std::unique_ptr<Session> open(std::shared_ptr<const Model> model, int64_t batch,
                                       int64_t capacity);

  /// Appends ids (B, T) and returns the logits of the new positions: (B, T, V), or (B, 1, V).
  /// @throws Error if they don't fit (names length, asked, capacity); nothing is changed then.
  virtual at::Tensor feed(const at::Tensor& ids, const ForwardOptions& options) = 0;
  /// The same for one sequence, without a tensor to be made for it.
  virtual at::Tensor feed(std::span<const int32_t> ids, const ForwardOptions& options);
  /// Forgets all but the first `length` tokens.
  virtual void truncate(int64_t length) = 0;
  /// Appends ids (B, T) that `truncate` took off last, unless something was fed since: what was
  /// computed for them is still there.
  virtual void take_back(const at::Tensor& ids) = 0;

  virtual int64_t length() const = 0;
  virtual int64_t capacity() const = 0;
  virtual int64_t bytes() const = 0;                 ///< held by the cache
  virtual int64_t arena_bytes() const { return 0; }  ///< of room to work in, at level 2
  virtual const Model& model() const = 0;
  virtual std::span<const int32_t> ids() const = 0;  ///< of batch row 0
};

}  // namespace crescent
