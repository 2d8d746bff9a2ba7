#include "host/engine_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "engine/error.h"
#include "engine/kernels/isa.h"
#include "host/blas_check.h"

namespace crescent {
namespace {

// How long libgomp's workers spin before they sleep; it reads this when it is loaded. Its default
// (300,000 turns) is 4 to 8 ms in which a waiting worker takes a core from our own code on a
// machine with few; a worker that sleeps at once costs a wake-up of 5 to 50 us at every operator,
// and a decode step has a hundred. 10,000 turns are 0.1 to 0.3 ms: longer than the gap between two
// operators, shorter than a scheduler's time slice.
constexpr const char* kSpinTurns = "10000";

constexpr int kKeepTheUsers = 0;  // a variable's value, where it has one

/// Has the libraries of the engine take no more than CRESCENT_ISA allows our own kernels: they read
/// their variables when they are loaded. @throws Error as kernels::isa does
void force_instruction_set() {
  const char* const forced = std::getenv("CRESCENT_ISA");
  if (!forced || !*forced) return;
  struct Names {
    const char *onednn, *aten, *openblas;
  };
  const auto names = [](kernels::Isa isa) -> Names {
    switch (isa) {
      case kernels::Isa::scalar: return {"SSE41", "default", "Nehalem"};
      case kernels::Isa::avx2: return {"AVX2", "avx2", "Haswell"};
      case kernels::Isa::avx512: return {"AVX512_CORE_BF16", "avx512", "SkylakeX"};
      case kernels::Isa::amx: return {nullptr, nullptr, nullptr};
    }
    return {nullptr, nullptr, nullptr};
  }(kernels::isa_for(forced));
  const auto set = [](const char* variable, const char* value) {
    if (value) setenv(variable, value, kKeepTheUsers);
  };
  set("ONEDNN_MAX_CPU_ISA", names.onednn);
  set("DNNL_MAX_CPU_ISA", names.onednn);  // before oneDNN 3
  set("ATEN_CPU_CAPABILITY", names.aten);
  set("OPENBLAS_CORETYPE", names.openblas);
}

std::filesystem::path engine_path() {
  namespace fs = std::filesystem;
  const fs::path home = fs::read_symlink("/proc/self/exe").parent_path();
  fs::path beside = home / "libcrescent_engine.so";
  return fs::exists(beside) ? beside : home.parent_path() / "lib" / "libcrescent_engine.so";
}

}  // namespace

void load_engine_library() {
  force_instruction_set();
  if (!std::getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", kSpinTurns, kKeepTheUsers);
  const auto library = engine_path();
  // RTLD_NOW: a symbol that is missing is told here and not in the middle of a run.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) fail("the engine library can't be loaded: {}", dlerror());
  const auto open = reinterpret_cast<void (*)()>(dlsym(handle, "crescent_engine_open"));
  if (!open) fail("{}: not an engine library of crescent", library.string());
  open();
  warn_of_reference_blas();
}

}  // namespace crescent
