#pragma once

namespace crescent {

// The files that make up the functions of tensors; register_tensors() calls each.
void register_tensor_making();  ///< from tables, numbers, random numbers, files
void register_tensor_values();  ///< item, tolist, view, to, close, fields, printing
void register_tensor_shapes();  ///< what computes nothing
void register_tensor_math();    ///< what computes
void register_tokens();         ///< crescent.tokens

}  // namespace crescent
