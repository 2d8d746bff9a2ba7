#include <array>

#include "bindings/api/subjects.h"

namespace crescent::api {

std::span<const Subject* const> subjects() {
  static const std::array all = {
      &model_subject(),       &text_subject(),  &running_subject(), &eval_subject(),
      &prune_subject(),       &bench_subject(), &profile_subject(), &machine_subject(),
      &energy_subject(),      &store_subject(), &sweep_subject(),   &files_subject(),
      &process_subject(),     &help_subject(),  &memory_subject(),  &tensor_subject(),
      &tensor_math_subject(),
  };
  return all;
}

}  // namespace crescent::api
