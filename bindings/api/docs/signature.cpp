#include "bindings/api/docs/docs.h"

namespace crescent::api {

bool is_method(const Function& function) { return function.name.find(':') != function.name.npos; }

std::string signature(const Function& function) {
  std::string text(function.name);
  std::string_view between = "";
  const auto add = [&](std::string_view name) {
    text.append(between).append(name);
    between = ", ";
  };
  text += '(';
  for (size_t i = is_method(function) ? 1 : 0; i < function.args.size(); ++i)
    add(function.args[i].variadic ? "..." : function.args[i].name);
  if (!function.options.empty()) add("options");
  return text + ')';
}

std::string declaration(const Function& function) {
  std::string text = signature(function);
  const size_t dots = text.find("..., ");
  if (dots != text.npos) text.replace(dots, text.npos, "...)");
  return text;
}

}  // namespace crescent::api
