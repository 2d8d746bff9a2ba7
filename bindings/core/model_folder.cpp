#include "bindings/core/model_folder.h"

#include <cstdlib>
#include <string>

namespace crescent {

std::filesystem::path model_folder(std::string_view name) {
  namespace fs = std::filesystem;
  fs::path given{std::string(name)};
  std::error_code error;
  if (name.empty() || name.find('/') != std::string_view::npos || fs::is_directory(given, error))
    return given;
  if (const char* models = std::getenv("CRESCENT_MODELS"))
    if (fs::is_directory(fs::path(models) / given, error)) return fs::path(models) / given;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path embedded =
      program.parent_path().parent_path() / "share" / "crescent" / "models" / given;
  return fs::is_directory(embedded, error) ? embedded : given;
}

}  // namespace crescent
