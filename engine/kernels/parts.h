#pragma once
// What the kernels' sources of one instruction set define for their table. Only they include this.
#include "engine/kernels/kernels.h"

namespace crescent::kernels::CRESCENT_ISA {

void multiply_few(const Matmul&, const MatmulTile&);
void multiply_many(const Matmul&, const MatmulTile&);
void layer_norm(const Norm&, Rows);
void rms_norm(const Norm&, Rows);
void rotate(const Rotate&);
void embed(const Embed&, Rows);
void attend(const Attention&, Rows);
void quantize(const Quantization&, Rows);
void transpose(const Transpose&, Rows);

}  // namespace crescent::kernels::CRESCENT_ISA
