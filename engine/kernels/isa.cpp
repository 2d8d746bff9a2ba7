#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/error.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/moments.h"
#include "engine/kernels/probe.h"

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
namespace avx512 {
const Probe& probe();
const MomentsKernel& moments_kernel();
const Kernels& kernels();
}  // namespace avx512
#endif

namespace {

constexpr Isa kAll[] = {Isa::scalar, Isa::avx2, Isa::avx512};

std::string names_of_available() {
  std::string names;
  for (Isa isa : kAll)
    if (is_available(isa)) names += fmt::format("{}{}", names.empty() ? "" : ", ", name_of(isa));
  return names;
}

void require(Isa isa) {
  if (!is_available(isa))
    fail("no kernels for {}: this CPU has {}", name_of(isa), names_of_available());
}

}  // namespace

const char* name_of(Isa isa) {
  switch (isa) {
    case Isa::scalar: return "scalar";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
  }
  return "?";
}

bool is_available(Isa isa) {
  if (isa == Isa::scalar) return true;
#ifdef __x86_64__
  // __builtin_cpu_supports asks the operating system too (XGETBV): a CPU with AVX-512 under a
  // kernel that doesn't save its registers has none. F16C isn't asked for: there is no CPU with
  // AVX2 and FMA that lacks it, and clang 14 doesn't know its name here.
  if (isa == Isa::avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx512)
    return is_available(Isa::avx2) && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#endif
  return false;
}

Isa isa_for(const char* forced) {
  if (!forced || !*forced) {
    Isa best = Isa::scalar;
    for (Isa isa : kAll)
      if (is_available(isa)) best = isa;
    return best;
  }
  for (Isa isa : kAll) {
    if (std::string_view(forced) != name_of(isa)) continue;
    if (!is_available(isa))
      fail("CRESCENT_ISA={}: this CPU (or its operating system) lacks it; it has {}", forced,
           names_of_available());
    return isa;
  }
  fail("CRESCENT_ISA={}: unknown instruction set; expected scalar, avx2 or avx512", forced);
}

Isa isa() {
  static const Isa chosen = isa_for(std::getenv("CRESCENT_ISA"));
  return chosen;
}

const Probe& probe(Isa isa) {
  require(isa);
#ifdef __x86_64__
  if (isa == Isa::avx512) return avx512::probe();
  if (isa == Isa::avx2) return avx2::probe();
#endif
  return scalar::probe();
}

const MomentsKernel& moments_kernel(Isa isa) {
  require(isa);
#ifdef __x86_64__
  if (isa == Isa::avx512) return avx512::moments_kernel();
  if (isa == Isa::avx2) return avx2::moments_kernel();
#endif
  return scalar::moments_kernel();
}

const Kernels& kernels_for(Isa isa) {
  require(isa);
#ifdef __x86_64__
  if (isa == Isa::avx512) return avx512::kernels();
  if (isa == Isa::avx2) return avx2::kernels();
#endif
  return scalar::kernels();
}

const Probe& probe() { return probe(isa()); }
const MomentsKernel& moments_kernel() { return moments_kernel(isa()); }
const Kernels& kernels() { return kernels_for(isa()); }

}  // namespace crescent::kernels
