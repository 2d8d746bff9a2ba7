#include "engine/exec/openmp_team.h"

#include <omp.h>

#include "engine/error.h"

namespace crescent {
namespace {

class OpenMpTeam final : public Team {
 public:
  explicit OpenMpTeam(int size) : Team(size) {}

 private:
  void run_on_all(Region& region) override {
#pragma omp parallel num_threads(size())
    region.call(omp_get_thread_num(), omp_get_num_threads());
  }
};

}  // namespace

std::unique_ptr<Team> make_openmp_team(int size) {
  if (size < 1 || size > 1024) fail("team: expected 1 .. 1024 threads, got {}", size);
  return std::make_unique<OpenMpTeam>(size);
}

}  // namespace crescent
