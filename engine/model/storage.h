#pragma once
#include <cstdint>
#include <string>

#include "engine/kernels/stored.h"
#include "engine/model/calibration.h"
#include "engine/model/layout.h"

namespace crescent {

using kernels::Width;

/// How narrow level 3 stores what it multiplies by. Norms, biases, positions and an embedding that
/// is not the head too stay as they are.
struct Storage {
  Width weights = Width::fp32;  ///< of all matrices of all layers
  Width head = Width::fp32;     ///< of the output head, and of the embedding where they are one
  Width kv = Width::fp32;       ///< of a session's keys and values: fp32, bf16 or int8
  SharedCalibration calibration = {};  ///< what scales are chosen by; empty: the plain ones
  bool is_narrow() const {
    return weights != Width::fp32 || head != Width::fp32 || kv != Width::fp32;
  }
  /// What plans that share their weights' copies agree in.
  Storage without_cache() const {
    return {.weights = weights, .head = head, .calibration = calibration};
  }
  bool operator==(const Storage&) const = default;
};

/// "int8", "int8 in groups of 32".
std::string words_of(Width);
/// "int8", "bf16, head fp32, cache int8", "int4, calibrated on 2048 tokens".
std::string words_of(const Storage&);

/// A matrix as a plan has it: [out, in].
struct MatrixShape {
  int64_t out = 0, in = 0;
};
MatrixShape matrix_shape(const TensorSpec&);  ///< of one that has two dimensions

/// Does a plan multiply by this tensor? The embedding counts where it is the head too.
bool is_matrix(const TensorSpec&, bool tied_head);
/// How wide a plan stores it.
Width width_of(const TensorSpec&, bool tied_head, const Storage&);

/// What a matrix takes, with the scales of its rows.
int64_t stored_bytes(const MatrixShape&, Width);
/// What a narrower copy takes: that in whole cache lines.
int64_t packed_bytes(const MatrixShape&, Width);
/// What a key or a value of one head takes at a position: a scale for each counts in.
int64_t cached_bytes(int64_t head_dim, Width);
/// Do rows of such a width end in a group that is filled up?
bool is_padded(int64_t in, Width);

}  // namespace crescent
