#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <span>
#include <vector>

#include "engine/exec/session.h"

namespace crescent {

/// What the sessions of all levels share: checks, and the ids of row 0.
class SessionBase : public Session {
 public:
  SessionBase(std::shared_ptr<const Model> model, int64_t batch, int64_t capacity);

  void truncate(int64_t length) override;
  void take_back(const at::Tensor& ids) override;

  int64_t length() const override { return static_cast<int64_t>(ids_.size()); }
  int64_t capacity() const override { return capacity_; }
  const Model& model() const override { return *model_; }
  std::span<const int32_t> ids() const override { return ids_; }

 protected:
  virtual void truncated(int64_t length) = 0;
  virtual void appended(int64_t tokens) = 0;

  struct Shape {
    int64_t batch, tokens;
  };
  /// @throws Error unless so many sequences are expected and so many tokens fit.
  void check_fits(Shape shape) const;
  /// Takes up what was fed. Takes no memory.
  void append(std::span<const int64_t> row_0);
  int64_t batch() const { return batch_; }

 private:
  std::shared_ptr<const Model> model_;
  int64_t batch_, capacity_;
  std::vector<int32_t> ids_;
};

}  // namespace crescent
