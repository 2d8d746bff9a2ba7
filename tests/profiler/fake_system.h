#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace crescent {

/// A folder that looks like the parts of / that describe a machine; gone with the object.
class FakeSystem {
 public:
  FakeSystem() {
    std::string name = (std::filesystem::temp_directory_path() / "crescent-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder: " + name);
    root_ = name;
  }
  ~FakeSystem() { std::filesystem::remove_all(root_); }
  FakeSystem(const FakeSystem&) = delete;
  FakeSystem& operator=(const FakeSystem&) = delete;

  FakeSystem& file(const std::string& path, const std::string& text) {
    const std::filesystem::path place = std::filesystem::path(root_) / path;
    std::filesystem::create_directories(place.parent_path());
    std::ofstream(place) << text;
    return *this;
  }
  FakeSystem& cores_allowed(const std::string& list) {
    return file("proc/self/status", "Name:\tcrescent\nCpus_allowed_list:\t" + list + "\n");
  }
  FakeSystem& memory(const std::string& total, const std::string& available) {
    return file("proc/meminfo", "MemTotal:       " + total +
                                    " kB\nMemFree:  1 kB\nMemAvailable:   " + available + " kB\n");
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

}  // namespace crescent
