#pragma once
#include <array>
#include <cstdint>
#include <span>

namespace crescent {

/// One block of random bits: ten rounds over a counter, keyed.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// Our own generator, so that results don't change with the LibTorch version: Philox4x32-10,
/// counter-based, so that any part of a stream can be made by any thread.
/// Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", SC'11.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint32_t bits();             ///< 32 uniform bits
  double uniform();            ///< [0, 1), 53 bits
  uint64_t below(uint64_t n);  ///< 0 .. n-1 without bias
  double normal();             ///< mean 0, standard deviation 1, with a float's precision

  /// Fills with normals, scaled by `deviation`. The values depend on (seed, stream, index) alone,
  /// not on how the work is split; several threads are used for large spans.
  static void fill_normal(std::span<float> out, uint64_t seed, uint64_t stream, float mean,
                          float deviation);
  /// Likewise uniform in [low, high).
  static void fill_uniform(std::span<float> out, uint64_t seed, uint64_t stream, float low,
                           float high);

 private:
  uint64_t seed_, stream_, counter_ = 0;
  std::array<uint32_t, 4> block_{};
  int left_ = 0;
};

}  // namespace crescent
