#pragma once
// Folded stacks: a profile as a flame graph.
//
// The format is that of Brendan Gregg's stackcollapse scripts: one line a place,
//
//   answer;decode;layer 3;attention;scores 41230
//
// names from the outermost to the place itself, with ';' between, a space, and a whole number:
// what is spent in the place itself and in none of those below it. Places with 0 are left out.
// In names ';' becomes ',' and control characters become spaces.
//
// https://speedscope.app and flamegraph.pl open such files.
#include <filesystem>
#include <string>

#include "profiler/profile.h"

namespace crescent {

enum class FoldedWeight { time_ns, bytes, flops };
const char* name_of(FoldedWeight);

/// The root's name is left out if it is the run. Weights are rounded so that they add up to the
/// root's, rounded: each is less than 1 off. A child named 'self' is its parent's own line.
/// @throws Error where children exceed their parent (naming both), and where the profile holds
/// nothing of what is asked for.
std::string folded_stacks(const ProfileNode& root, FoldedWeight weight);

/// Writes them, whole or not at all.
void write_folded_stacks(const std::filesystem::path& path, const ProfileNode& root,
                         FoldedWeight weight);

}  // namespace crescent
