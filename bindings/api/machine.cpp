#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& machine_subject() {
  static const Subject subject{
      .title = "The machine",
      .functions = {
          {.name = "crescent.machine",
           .home = Home::core,
           .doc = "Says what this machine is and what it can do: cores, instruction sets, caches, "
                  "memory, load, versions, and, measured, the read bandwidth over working sets "
                  "from 1 MB to "
                  "1 GB and the fp32 peak, with one thread and with all. `bf16` { gflop_s, "
                  "gflop_s_one_thread, by } and `int8` { gop_s, gop_s_one_thread, by } are what "
                  "products of such numbers reach by the instruction that `by` names: AMX, "
                  "AVX512-BF16, VNNI, or on AVX2, for int8 that was widened to 16 bits, vpmaddwd; "
                  "nil with a reason in `absent` where there is none. Measuring takes about 2 s "
                  "and is kept for the life of the process.",
           .options = {{"refresh", Kind::boolean, "false", "measures again"},
                       {"measure", Kind::boolean, "true", "false gives the facts alone, at once"}},
           .returns = "crescent.Machine",
           .example = "print(crescent.machine())"},
          {.name = "crescent.statistics.samples",
           .home = Home::core,
           .doc = "Makes Samples of a list of numbers: all values with their median, mad (times "
                  "1.4826) and an order-statistic interval of the median. Prints and compares as "
                  "its median.",
           .args = {{"values", Kind::table, "numbers"}},
           .options = {{"unit", Kind::text, "''", "'ms'"},
                       {"confidence", Value::between(Kind::number, 0.5, 0.9999), "0.95",
                        "of the interval"}},
           .returns = "crescent.Samples",
           .example = "print(crescent.statistics.samples({ 1.1, 1.2, 1.3 }, { unit = 'ms' }))"},
          {.name = "crescent.statistics.quantile",
           .home = Home::core,
           .doc = "Gives a quantile of a list of numbers, interpolated as R and NumPy do.",
           .args = {{"values", Kind::table, "numbers"},
                    {"q", Value::between(Kind::number, 0, 1), "0.5: the median"}},
           .returns = "number",
           .example = "print(crescent.statistics.quantile({ 1, 2, 3, 4 }, 0.25))"},
      }};
  return subject;
}

}  // namespace crescent::api
