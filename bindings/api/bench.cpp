#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

std::vector<Option> with_effort(std::vector<Option> options) {
  options.push_back({"samples_min", Value::between(Kind::integer, 1, 100000), "11",
                     "takes at least so many samples"});
  options.push_back({"time_s_max", Value::above(Kind::number, 0), "30",
                     "stops after so many seconds, warm-up included"});
  options.push_back({"width_max", Value::above(Kind::number, 0), "0.02",
                     "stops when the 95 % interval of the median is this narrow, relative to it"});
  return options;
}

const Value kTokens = Value::at_least(Kind::integer, 1);

std::vector<Option> compare_options() {
  return {
      {"measure", Value::one_of({"decode", "prefill", "load", "call"}), "",
       "what is timed; 'call', the only one for Lua functions, is their default"},
      {"candidates", Kind::table, "",
       "a list of { 'name', model }; for 'load' { 'name', 'DIR' }, for 'call' "
       "{ 'name', function() ... end }",
       true},
      {"baseline", Kind::text, "", "the name of the one that the others are held against", true},
      {"with", Kind::table, "",
       "the work: { prompt = 32, tokens = 100 } for 'decode', { tokens = 512 } for 'prefill', as "
       "in crescent.bench.decode and crescent.bench.prefill"},
      {"tolerance", Value::above(Kind::number, 0), "",
       "refuses to time a candidate whose logits differ from the baseline's by more than this "
       "share of their spread; without it the drift is only reported"},
      {"time_s_max", Value::above(Kind::number, 0), "60", "stops after so many seconds"},
      {"width_max", Value::above(Kind::number, 0), "0.02",
       "stops when every interval is this narrow"},
      {"same_within", Value::above(Kind::number, 0), "",
       "'no difference' needs the whole interval this close to 1; default: width_max"},
      {"confidence", Value::between(Kind::number, 0.5, 0.9999), "0.99", "of each interval"},
      {"seed", Value::between(Kind::integer, 0, 9007199254740992.0), "1",
       "of the order of the blocks and of the token ids"},
      {"aa", Kind::boolean, "false",
       "allows equal candidates, to see what the machine makes of them"},
  };
}

}  // namespace

const Subject& bench_subject() {
  static const Subject subject{
      .title = "Measuring",
      .functions = {
          {.name = "crescent.bench.decode",
           .home = Home::engine,
           .doc = "Measures the time of a token at batch 1. A sample is a burst of up to 8 greedy "
                  "steps in the middle of a run of `tokens` tokens behind a prompt of random ids, "
                  "so that every sample does the same work at the mean context of that run. The "
                  "limit is reading every weight once at this machine's read bandwidth, measured "
                  "in the same process (about 2 s the first time).",
           .args = {{"model", Kind::model, ""}},
           .options = with_effort({{"prompt", kTokens, "32", "tokens in front"},
                                   {"tokens", kTokens, "100", "length of the run"}}),
           .returns = "crescent.BenchResult",
           .example = "print(crescent.bench.decode(model, { tokens = 64 }))"},
          {.name = "crescent.bench.prefill",
           .home = Home::engine,
           .doc = "Measures the time to take in a prompt of random ids, up to the logits of its "
                  "last token. The limit is its FLOPs at this machine's fp32 peak, measured in "
                  "the same process.",
           .args = {{"model", Kind::model, ""}},
           .options = with_effort({{"tokens", kTokens, "",
                                    "length of the prompt; default: 512, or all positions if the "
                                    "model has fewer"}}),
           .returns = "crescent.BenchResult",
           .example = "print(crescent.bench.prefill(model, { tokens = 128 }))"},
          {.name = "crescent.bench.load",
           .home = Home::engine,
           .doc = "Measures the time from a folder in page cache to a usable model. The weights "
                  "stay mapped, so no limit is given.",
           .args = {{"path", Kind::text, "a folder, or the name of an embedded model"}},
           .options = with_effort({}),
           .returns = "crescent.BenchResult",
           .example = "print(crescent.bench.load('tiny'))"},
          {.name = "crescent.bench.compare",
           .home = Home::engine,
           .doc = "Compares candidates side by side: first every model's logits against the "
                  "baseline's, through the same sessions that are timed (the column drift: the "
                  "largest difference over the spread of the baseline's), then times, in blocks "
                  "that run all candidates in a random order and back. A ratio is a candidate's "
                  "time over the baseline's: the median over blocks, with an interval. The "
                  "verdict may be 'cannot tell'; stopping looks at width and time, never at it.",
           .options = compare_options(),
           .returns = "crescent.Comparison",
           .example =
               "print(crescent.bench.compare { measure = 'decode', baseline = 'reference', "
               "candidates = { { 'reference', model:optimize { level = 0 } }, { 'fused', model } "
               "} })"},
      }};
  return subject;
}

}  // namespace crescent::api
