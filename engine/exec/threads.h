#pragma once

namespace crescent {

/// Tells LibTorch (and through it libgomp) how many threads to use, now and at every later change.
/// Must come before LibTorch's first operator: 1.13 falls to one thread otherwise. Called when the
/// engine's library is loaded and when a model is made; the first call counts.
void apply_threads();

}  // namespace crescent
