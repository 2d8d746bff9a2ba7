#include "host/engine_loader.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "engine/error.h"
#include "host/blas_check.h"

namespace crescent {
namespace {

// How long libgomp's workers spin before they sleep; it reads this when it is loaded. Its default
// (300,000 turns) is 4 to 8 ms in which a waiting worker takes a core from our own code on a
// machine with few; a worker that sleeps at once costs a wake-up of 5 to 50 us at every operator,
// and a decode step has a hundred. 10,000 turns are 0.1 to 0.3 ms: longer than the gap between two
// operators, shorter than a scheduler's time slice.
constexpr const char* kSpinTurns = "10000";

std::filesystem::path engine_path() {
  namespace fs = std::filesystem;
  const fs::path home = fs::read_symlink("/proc/self/exe").parent_path();
  fs::path beside = home / "libcrescent_engine.so";
  return fs::exists(beside) ? beside : home.parent_path() / "lib" / "libcrescent_engine.so";
}

}  // namespace

void load_engine_library() {
  constexpr int kKeepTheUsers = 0;
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
