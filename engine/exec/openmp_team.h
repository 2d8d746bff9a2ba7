#pragma once
#include <memory>

#include "engine/team.h"

namespace crescent {

/// libgomp's threads, which LibTorch and oneDNN use too: a second team beside theirs, which spin,
/// would wait for a core up to milliseconds. Several may run at once from several threads.
/// @throws Error unless 1 <= size <= 1024
std::unique_ptr<Team> make_openmp_team(int size);

}  // namespace crescent
