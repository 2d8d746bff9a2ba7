#pragma once
#include <cstddef>

namespace crescent {

/// Wishes for huge pages in memory that is about to be written for the first time, if it is large:
/// reading it then takes fewer walks through page tables. Costs a system call and never fails.
void prefer_huge_pages(void* begin, size_t bytes);

}  // namespace crescent
