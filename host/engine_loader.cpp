#include "host/engine_loader.h"

#include <dlfcn.h>

#include <filesystem>

#include "engine/error.h"

namespace crescent {

void load_engine_library() {
  namespace fs = std::filesystem;
  const fs::path home = fs::read_symlink("/proc/self/exe").parent_path();
  fs::path library = home / "libcrescent_engine.so";
  if (!fs::exists(library)) library = home.parent_path() / "lib" / "libcrescent_engine.so";
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) fail("the engine library can't be loaded: {}", dlerror());
  auto open = reinterpret_cast<void (*)()>(dlsym(handle, "crescent_engine_open"));
  if (!open) fail("{}: not an engine library of crescent", library.string());
  open();
}

}  // namespace crescent
