#pragma once

namespace crescent {

/// Prints a line for crescent and for each library that it is linked with. Returns the exit code.
int print_versions();

}  // namespace crescent
