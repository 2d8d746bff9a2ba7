#include "engine/exec/threads.h"

#include <ATen/Parallel.h>

#include <mutex>

#include "engine/threads.h"

namespace crescent {

void apply_threads() {
  static std::once_flag once;
  std::call_once(once, [] { on_threads_change([](int n) { at::set_num_threads(n); }); });
}

}  // namespace crescent
