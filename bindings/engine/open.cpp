// The door of libcrescent_engine.so: the host looks this symbol up after dlopen.
#include <c10/util/Exception.h>

#include "bindings/engine/handles.h"
#include "bindings/engine/tensor.h"
#include "bindings/registry.h"

namespace crescent {
namespace {

bool describe_torch(const std::exception& error, std::string& message) {
  const auto* torch = dynamic_cast<const c10::Error*>(&error);
  if (!torch) return false;
  message = torch->what_without_backtrace();
  return true;
}

}  // namespace
}  // namespace crescent

extern "C" void crescent_engine_open() {
  crescent::set_exception_describer(crescent::describe_torch);
  crescent::register_model();
  crescent::register_session();
  crescent::register_generate();
  crescent::register_eval();
  crescent::register_prune();
  crescent::register_bench();
  crescent::register_profile();
  crescent::register_tensors();
  crescent::finish_home(crescent::api::Home::engine);
}
