#pragma once
#include "bindings/api/api.h"

namespace crescent::api {

// One function a file; all_subjects.cpp puts them in order.
const Subject& process_subject();  ///< threads, version, memory
const Subject& help_subject();     ///< what `?name` and completion read

}  // namespace crescent::api
