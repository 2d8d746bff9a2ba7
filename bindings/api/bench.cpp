#include "bindings/api/subjects.h"

namespace crescent::api {
namespace {

std::vector<Option> with_store(std::vector<Option> options) {
  options.push_back(
      {"store", Kind::any, "", "keeps it in a store: a path, or true for the default one"});
  options.push_back({"name", Kind::text, "", "of the run in the store; default: what is measured"});
  return options;
}

std::vector<Option> with_effort(std::vector<Option> options) {
  options.push_back({"samples_min", Value::between(Kind::integer, 1, 100000), "11",
                     "takes at least so many samples"});
  options.push_back({"time_s_max", Value::above(Kind::number, 0), "30",
                     "stops after so many seconds, warm-up included"});
  options.push_back({"width_max", Value::above(Kind::number, 0), "0.02",
                     "stops when the 95 % interval of the median is this narrow, relative to it"});
  return with_store(std::move(options));
}

const Value kTokens = Value::at_least(Kind::integer, 1);

std::vector<Option> compare_options() {
  return {
      {"measure", Kind::text, "",
       "what is timed: 'decode', 'prefill', 'load' or 'call', the only one for Lua functions and "
       "their default; of stored runs the name of a sample, default: 'token_ms' or 'latency_ms'"},
      {"candidates", Kind::table, "",
       "a list of { 'name', model }; for 'load' { 'name', 'DIR' }, for 'call' "
       "{ 'name', function() ... end }; but for 'load' also limits: { 'name', { bytes = n } } "
       "reads so many bytes of memory (and takes as much), { 'name', { flops = n } } does so many "
       "FLOPs of fp32 multiply-adds, on all threads, for each token of 'decode' or else once"},
      {"runs", Kind::table, "", "in place of candidates: a list of numbers of stored runs"},
      {"baseline", Kind::any, "",
       "the name of the candidate that the others are held against; of stored runs a number, "
       "default: the first"},
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
       "allows equal candidates or runs, to see what the machine makes of them"},
      {"store", Kind::any, "",
       "of candidates: keeps the comparison in a store; of runs: the store that has them. A path, "
       "or true for the default one"},
      {"name", Kind::text, "", "of the run in the store; default: 'compare'"},
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
           .home = Home::core,
           .doc = "Compares candidates side by side: first every model's logits against the "
                  "baseline's, through the same sessions that are timed (the column drift: the "
                  "largest difference over the spread of the baseline's), then times, in blocks "
                  "that run all candidates in a random order and back. A ratio is a candidate's "
                  "time over the baseline's: the median over blocks, with an interval. The "
                  "verdict may be 'cannot tell'; stopping looks at width and time, never at it. "
                  "With `store` every sample and block is kept, and `store:run(id).comparison` "
                  "gives the same verdicts later. A limit among the candidates is measured in turn "
                  "with them: `{ 'limit', { bytes = "
                  "crescent.bench.decode(model).bytes_per_token } }`.\n\n"
                  "With `runs` it compares stored runs, without loading the engine: the ratio of "
                  "the medians of one measure, with an interval of which both medians' intervals "
                  "hold together. The values are the medians of the trials where each run has at "
                  "least 6 (0.99 takes 9); with fewer, the verdict is 'cannot tell', as the "
                  "values of one trial share the machine's mood. It always warns that such runs "
                  "were not interleaved. Runs of different definitions are refused with the "
                  "difference, and equal ones unless `aa = true`; `notes` lists what else "
                  "differs: threads, cpu, versions, git commit. Of measures that are no times "
                  "the verdict is 'less' or 'more'.",
           .options = compare_options(),
           .returns = "crescent.Comparison",
           .example =
               "print(crescent.bench.compare { measure = 'decode', baseline = 'reference', "
               "candidates = { { 'reference', model:optimize { level = 0 } }, { 'fused', model } "
               "} })\n"
               "print(crescent.bench.compare { runs = { 3, 7 }, measure = 'token_ms' })"},
          {.name = "crescent.bench.self_test",
           .home = Home::engine,
           .doc = "Tries out whether comparisons can be trusted on this machine today: compares "
                  "decode steps with themselves, where every verdict of a difference is false, "
                  "and with themselves and an injected delay, which is to be found, in turns. "
                  "Every comparison has exactly `pairs` pairs. Gives how often each was told, "
                  "the noise of a pair (`noise` by quantiles, `noise_deviation` with outliers), "
                  "and in `needs` the pairs and seconds with which a difference of 1, 3 and 10 % "
                  "is found in nine of ten comparisons. Ends by the time alone, after a round at "
                  "least.",
           .options =
               {{"pairs", Value::between(Kind::integer, 1, 2000), "30", "of every comparison"},
                {"model", Kind::model, "",
                 "whose decode steps are timed; default: the embedded 'tiny'"},
                {"difference", Value::between(Kind::number, 1e-4, 10), "0.03",
                 "the delay, as a share of the time of a decode burst"},
                {"rounds", Value::between(Kind::integer, 1, 100000), "100000",
                 "at most so many comparisons of each kind"},
                {"time_s_max", Value::above(Kind::number, 0), "60", "stops after so many seconds"},
                {"confidence", Value::between(Kind::number, 0.5, 0.9999), "0.99",
                 "of each comparison's interval"},
                {"seed", Value::between(Kind::integer, 0, 9007199254740992.0), "1",
                 "of the order of the blocks"}},
           .returns = "crescent.SelfTest",
           .example = "print(crescent.bench.self_test { time_s_max = 20 })"},
      }};
  return subject;
}

}  // namespace crescent::api
