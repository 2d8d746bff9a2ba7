#pragma once
#include <filesystem>
#include <string_view>

namespace crescent {

/// Where a model that a user names lies. A path with a slash, and the name of a folder in the
/// current directory, stay as they are; any other name is looked for among the models that come
/// with crescent: in $CRESCENT_MODELS, then in ../share/crescent/models beside the executable
/// (a build folder has a link there). What is nowhere stays as it is, for the loader to refuse.
std::filesystem::path model_folder(std::string_view name);

}  // namespace crescent
