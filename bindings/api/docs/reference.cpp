#include <fmt/format.h>

#include <cctype>
#include <iterator>

#include "bindings/api/docs/docs.h"

namespace crescent::api {
namespace {

using Out = std::back_insert_iterator<std::string>;

/// Text inside a table's cell.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

/// The anchor that Markdown readers give a heading.
std::string anchor(std::string_view title) {
  std::string text;
  for (const char c : title) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u)) text += static_cast<char>(std::tolower(u));
    else if (c == ' ' || c == '-') text += '-';
  }
  return text;
}

void write_arguments(Out out, const Function& function) {
  fmt::format_to(out, "\n| argument | is | |\n| --- | --- | --- |\n");
  for (const auto& arg : function.args)
    fmt::format_to(out, "| `{}`{} | {} | {} |\n", arg.name,
                   arg.variadic ? " ..." : (arg.optional ? ", optional" : ""),
                   cell(arg.value.expected()), cell(arg.doc));
}

void write_options(Out out, const Function& function) {
  fmt::format_to(out, "\n| option | is | default | |\n| --- | --- | --- | --- |\n");
  for (const auto& option : function.options) {
    const std::string fallback = option.fallback.empty()
                                     ? (option.required ? "required" : "none")
                                     : fmt::format("`{}`", cell(option.fallback));
    fmt::format_to(out, "| `{}` | {} | {} | {} |\n", option.name, cell(option.value.expected()),
                   fallback, cell(option.doc));
  }
}

void write_function(Out out, const Function& function) {
  fmt::format_to(out, "\n### `{}`\n\n{}\n", signature(function), function.doc);
  if (!function.args.empty()) write_arguments(out, function);
  if (!function.options.empty()) write_options(out, function);
  if (!function.returns.empty()) fmt::format_to(out, "\nReturns `{}`.\n", function.returns);
  if (!function.example.empty()) fmt::format_to(out, "\n```lua\n{}\n```\n", function.example);
}

void write_fields(Out out, const Subject& subject) {
  fmt::format_to(out, "\n| field | type | |\n| --- | --- | --- |\n");
  for (const auto& field : subject.fields)
    fmt::format_to(out, "| `{}` | `{}` | {} |\n", field.name, cell(field.type), cell(field.doc));
}

}  // namespace

std::string reference_page(Subjects subjects) {
  std::string text =
      "# crescent: reference\n\n"
      "Written by `./dev docs` from the tables in bindings/api/ that also check every call.\n\n";
  const Out out(text);
  for (const Subject* subject : subjects)
    fmt::format_to(out, "- [{}](#{})\n", subject->title, anchor(subject->title));
  for (const Subject* subject : subjects) {
    fmt::format_to(out, "\n## {}\n", subject->title);
    if (!subject->fields.empty()) write_fields(out, *subject);
    for (const auto& function : subject->functions) write_function(out, function);
  }
  return text;
}

}  // namespace crescent::api
