#include "profiler/token_times.h"

namespace crescent {

TokenTimes token_times(const Recording& recording) {
  TokenTimes times;
  int64_t before_ns = 0;  // tokenize and prefill
  int64_t pass_ns = 0, last_sample_end_ns = 0;
  for (const Span& span : recording.spans) {
    if (span.kind != SpanKind::section) continue;
    const int64_t ns = span.duration_ns();
    switch (static_cast<Section>(span.id)) {
      case Section::load: break;
      case Section::tokenize:
        times = {};
        before_ns = ns;
        break;
      case Section::prefill:
        if (!times.tokens.empty()) before_ns = 0;
        times = {};
        before_ns += ns;
        pass_ns = ns;
        break;
      case Section::decode: pass_ns = ns; break;
      case Section::sample:
        if (times.tokens.empty()) times.ttft_ns = static_cast<double>(before_ns + ns);
        else times.token_ns.push_back(static_cast<double>(span.end_ns - last_sample_end_ns));
        last_sample_end_ns = span.end_ns;
        times.tokens.push_back({pass_ns, ns, 0});
        break;
      case Section::detokenize:
        if (!times.tokens.empty()) times.tokens.back().detokenize_ns += ns;
        break;
    }
  }
  return times;
}

}  // namespace crescent
