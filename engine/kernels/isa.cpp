#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/error.h"
#include "engine/kernels/cpu.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/moments.h"
#include "engine/kernels/probe.h"
#include "engine/kernels/probe_matrix.h"

// One build of the kernels' sources defines each of these. Only their functions may be named here:
// this file is compiled for every CPU, those objects are not.
namespace crescent::kernels {
namespace scalar {
const Probe& probe();
const MomentsKernel& moments_kernel();
const Kernels& kernels();
}  // namespace scalar
#ifdef __x86_64__
namespace avx2 {
const Probe& probe();
const MomentsKernel& moments_kernel();
const Kernels& kernels();
}  // namespace avx2
namespace avx2_vnni {
void multiply_few(const Matmul&, const MatmulTile&);
}
namespace avx512 {
const Probe& probe();
const MomentsKernel& moments_kernel();
const Kernels& kernels();
}  // namespace avx512
namespace avx512_vnni {
void multiply_few(const Matmul&, const MatmulTile&);
}
namespace amx {
void multiply_many(const Matmul&, const MatmulTile&);
}
#endif

namespace {

std::string names_of_available() {
  std::string names;
  for (Isa isa : kIsas)
    if (is_available(isa)) names += fmt::format("{}{}", names.empty() ? "" : ", ", name_of(isa));
  return names;
}

void require(Isa isa) {
  if (!is_available(isa))
    fail("no kernels for {}: this CPU has {}", name_of(isa), names_of_available());
}

#ifdef __x86_64__
/// The system gives tiles on demand alone, and not everywhere.
bool are_tiles_given() {
  static const bool given = [] {
    try {
      allow_tiles();
      return true;
    } catch (const Error&) {
      return false;
    }
  }();
  return given;
}

Kernels with_vnni(std::string_view feature, decltype(Kernels::multiply_few) multiply_few,
                  Kernels kernels) {
  if (cpu_has({feature})) kernels.multiply_few = multiply_few;
  return kernels;
}
#endif

}  // namespace

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::amx: return "amx";
  }
  return "?";
}

bool is_available(Isa isa) {
#ifdef __x86_64__
  switch (isa) {
    case Isa::scalar: return true;
    case Isa::avx2: return cpu_has({"avx2", "fma", "f16c"});
    case Isa::avx512:
      return is_available(Isa::avx2) && cpu_has({"avx512f", "avx512bw", "avx512vl", "avx512dq"});
    case Isa::amx:
      return is_available(Isa::avx512) &&
             cpu_has({"avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16"}) && are_tiles_given();
  }
#endif
  return isa == Isa::scalar;
}

Isa isa_for(const char* forced) {
  if (!forced || !*forced) {
    Isa best = Isa::scalar;
    for (Isa isa : kIsas)
      if (is_available(isa)) best = isa;
    return best;
  }
  for (Isa isa : kIsas) {
    if (std::string_view(forced) != name_of(isa)) continue;
    if (!is_available(isa))
      fail("CRESCENT_ISA={}: this CPU (or its operating system) lacks it; it has {}", forced,
           names_of_available());
    return isa;
  }
  fail("CRESCENT_ISA={}: unknown instruction set; expected scalar, avx2, avx512 or amx", forced);
}

Isa isa() {
  static const Isa chosen = isa_for(std::getenv("CRESCENT_ISA"));
  return chosen;
}

const Probe& probe(Isa isa) {
  require(isa);
#ifdef __x86_64__
  if (isa >= Isa::avx512) return avx512::probe();
  if (isa == Isa::avx2) return avx2::probe();
#endif
  return scalar::probe();
}

const MomentsKernel& moments_kernel(Isa isa) {
  require(isa);
#ifdef __x86_64__
  if (isa >= Isa::avx512) return avx512::moments_kernel();
  if (isa == Isa::avx2) return avx2::moments_kernel();
#endif
  return scalar::moments_kernel();
}

const Kernels& kernels_for(Isa isa) {
  require(isa);
#ifdef __x86_64__
  switch (isa) {
    case Isa::scalar: break;
    case Isa::avx2: {
      static const Kernels kernels =
          with_vnni("avx_vnni", avx2_vnni::multiply_few, avx2::kernels());
      return kernels;
    }
    case Isa::avx512: {
      static const Kernels kernels =
          with_vnni("avx512_vnni", avx512_vnni::multiply_few, avx512::kernels());
      return kernels;
    }
    case Isa::amx: {
      static const Kernels kernels = [] {
        Kernels made = kernels_for(Isa::avx512);
        made.isa = name_of(Isa::amx);
        made.multiply_many = amx::multiply_many;
        return made;
      }();
      return kernels;
    }
  }
#endif
  return scalar::kernels();
}

// Once: every token asks for them, and what the CPU has is looked up by name.
const Probe& probe() {
  static const Probe& chosen = probe(isa());
  return chosen;
}
const MomentsKernel& moments_kernel() {
  static const MomentsKernel& chosen = moments_kernel(isa());
  return chosen;
}
const Kernels& kernels() {
  static const Kernels& chosen = kernels_for(isa());
  return chosen;
}

}  // namespace crescent::kernels
