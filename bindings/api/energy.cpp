#include "bindings/api/subjects.h"

namespace crescent::api {

const Subject& energy_subject() {
  static const Subject subject{
      .title = "Energy",
      .functions = {
          {.name = "crescent.energy.doctor",
           .home = Home::core,
           .doc = "Says what tells the energy on this machine: where it looked, what it found, and "
                  "by domain the power at this moment, each figure labelled measured, estimated or "
                  "absent, with the reason and what would enable it. Waits for `seconds` where "
                  "there is a counter to be read twice; returns at once where there is none.",
           .options = {{"seconds", Value::between(Kind::number, 0.01, 60), "0.2",
                        "between the two readings"}},
           .returns = "crescent.EnergyDoctor",
           .example = "print(crescent.energy.doctor())"},
      }};
  return subject;
}

}  // namespace crescent::api
