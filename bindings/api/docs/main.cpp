// crescent_docs FOLDER: writes reference.md and crescent.lua there. What `./dev docs` runs.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "bindings/api/docs/docs.h"
#include "engine/error.h"

namespace {

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  if (!stream.flush()) crescent::fail("{}: can't be written", file.string());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: crescent_docs FOLDER\n", stderr);
    return 2;
  }
  try {
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder);
    write(folder / "reference.md", crescent::api::reference_page(crescent::api::subjects()));
    write(folder / "crescent.lua", crescent::api::lua_stubs(crescent::api::subjects()));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "crescent_docs: %s\n", error.what());
    return 1;
  }
}
