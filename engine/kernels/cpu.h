#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace crescent::kernels {

/// The instruction sets that the CPU has and whose registers the operating system saves, such
/// as 'avx2', 'avx512_vnni' or 'amx_bf16'. Empty where they can't be read, as
/// on other CPUs than x86-64.
const std::vector<std::string>& cpu_features();
/// True if all of them are among those.
bool cpu_has(std::initializer_list<std::string_view> features);

}  // namespace crescent::kernels
