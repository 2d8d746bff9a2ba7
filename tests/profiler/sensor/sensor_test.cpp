#include "profiler/sensor/sensor.h"

#include <unistd.h>

#include "engine/interrupt.h"
#include "profiler/sensor/none.h"
#include "profiler/sensor/rapl.h"
#include "profiler/sensor/recorded.h"
#include "tests/profiler/sensor/fake_rapl.h"
#include "tests/support.h"

namespace crescent {
namespace {

/// 'package-0 added', 'package-0/core: a part of package-0'.
std::vector<std::string> domains(const EnergySource& source) {
  std::vector<std::string> told;
  for (const EnergyDomain& domain : source.domains)
    told.push_back(domain.name + (domain.in_total ? " added" : ": ") + domain.why_not);
  return told;
}

/// '1.5 J measured', or 'absent: why'.
std::string told(const Energy& energy) {
  std::string text = energy.joules ? fmt::format("{:g} J ", *energy.joules) : "";
  text += name_of(energy.label);
  return text + (energy.reason.empty() ? "" : ": " + energy.reason);
}

/// A machine of two packages with all that a processor can show.
void fill(FakeRapl& system) {
  system.file("sys/class/powercap/intel-rapl/enabled", "1\n");
  system.zone("intel-rapl:0", "package-0", 1'000'000)
      .zone("intel-rapl:0:0", "core", 500'000)
      .zone("intel-rapl:0:1", "uncore", 100'000)
      .zone("intel-rapl:0:2", "dram", 200'000)
      .zone("intel-rapl:1", "package-1", 7'000'000)
      .zone("intel-rapl:1:0", "dram", 300'000)
      .zone("intel-rapl:2", "psys", 9'000'000)
      .zone("intel-rapl-mmio:0", "package-0", 1'000'000);
}

TEST(RaplSensor, AddsPackagesAndTheirMemoryAndNothingTwice) {
  FakeRapl system;
  fill(system);
  HandClock clock;
  RaplSensor sensor(clock, system.root());
  EXPECT_EQ(sensor.source().label, EnergyLabel::measured);
  EXPECT_EQ(sensor.source().reason, "");
  const std::vector<std::string> expected = {
      "package-0 added",
      "package-1 added",
      "psys: it holds the packages",
      "package-0/core: a part of package-0",
      "package-0/uncore: a part of package-0",
      "package-0/dram added",
      "package-1/dram added",
      "package-0 (mmio): the counter of package-0 once more"};
  EXPECT_EQ(domains(sensor.source()), expected);
  const EnergyReading begin = sensor.read();
  clock.pass_s(2);
  system
      .energy("intel-rapl:0", 21'000'000)        // + 20 J
      .energy("intel-rapl:0:0", 10'500'000)      // + 10
      .energy("intel-rapl:0:1", 1'100'000)       // + 1
      .energy("intel-rapl:0:2", 3'200'000)       // + 3
      .energy("intel-rapl:1", 12'000'000)        // + 5
      .energy("intel-rapl:1:0", 800'000)         // + 0.5
      .energy("intel-rapl:2", 59'000'000)        // + 50
      .energy("intel-rapl-mmio:0", 21'000'000);  // + 20
  const EnergySpent spent = energy_between(sensor.source(), begin, sensor.read());
  EXPECT_EQ(spent.time_s, 2);
  const char* each[] = {"20 J", "5 J", "50 J", "10 J", "1 J", "3 J", "0.5 J", "20 J"};
  for (size_t i = 0; i < std::size(each); ++i)
    EXPECT_EQ(told(spent.domains[i]), std::string(each[i]) + " measured") << i;
  EXPECT_EQ(told(spent.total), "28.5 J measured");
}

TEST(RaplSensor, CountsThePlatformWhereThereIsNoPackage) {
  FakeRapl system;
  system.zone("intel-rapl:0", "psys", 0).zone("intel-rapl:1", "gadget", 0);
  HandClock clock;
  const RaplSensor sensor(clock, system.root());
  const std::vector<std::string> expected = {"psys added",
                                             "gadget: unknown what else it is a part of"};
  EXPECT_EQ(domains(sensor.source()), expected);
}

TEST(RaplSensor, GoesOnWhereACounterBeginsAgain) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", FakeRapl::kRangeUj - 1'000'000);
  HandClock clock;
  RaplSensor sensor(clock, system.root());
  const EnergyReading begin = sensor.read();
  for (int turn = 0; turn < 3; ++turn) {
    clock.pass_s(60);
    system.energy("intel-rapl:0", 2'000'000);  // 1 J, then 2 J behind the end
    sensor.poll();
    clock.pass_s(60);
    system.energy("intel-rapl:0", FakeRapl::kRangeUj - 1'000'000);
    sensor.poll();
  }
  const double round = 1e-6 * FakeRapl::kRangeUj;
  const EnergySpent spent = energy_between(sensor.source(), begin, sensor.read());
  EXPECT_NEAR(spent.total.joules.value(), 3 * round, 1e-3);
  EXPECT_EQ(spent.total.label, EnergyLabel::measured);
}

TEST(RaplSensor, DoubtsACounterThatWasNotReadForLong) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", 1);
  HandClock clock;
  RaplSensor sensor(clock, system.root());
  const EnergyReading begin = sensor.read();
  clock.pass_s(263);
  system.energy("intel-rapl:0", 5'000'001);
  const EnergyReading middle = sensor.read();
  EXPECT_EQ(told(energy_between(sensor.source(), begin, middle).total),
            "5 J estimated: the counter of package-0 was not read for so long that it may have run "
            "round more than once");
  clock.pass_s(1);
  system.energy("intel-rapl:0", 6'000'001);
  EXPECT_EQ(told(energy_between(sensor.source(), middle, sensor.read()).total), "1 J measured");
}

TEST(RaplSensor, LosesACounterThatFallsWithoutARange) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", 50, 0).zone("intel-rapl:0:0", "dram", 5);
  HandClock clock;
  RaplSensor sensor(clock, system.root());
  const EnergyReading begin = sensor.read();
  clock.pass_s(1);
  system.energy("intel-rapl:0", 49).energy("intel-rapl:0:0", 1'000'005);
  const EnergySpent spent = energy_between(sensor.source(), begin, sensor.read());
  EXPECT_EQ(told(spent.total),
            "absent: /sys/class/powercap/intel-rapl:0/energy_uj fell from 50 to 49, and "
            "max_energy_range_uj, 0, does not say where it began again");
  EXPECT_EQ(told(spent.domains[1]), "1 J measured");
}

TEST(RaplSensor, LosesACounterThatVanishesOrHoldsNoNumber) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", 50).zone("intel-rapl:1", "package-1", 50);
  HandClock clock;
  RaplSensor sensor(clock, system.root());
  const EnergyReading begin = sensor.read();
  std::filesystem::remove(system.root() + "/" + FakeRapl::path("intel-rapl:0", "energy_uj"));
  system.file(FakeRapl::path("intel-rapl:1", "energy_uj"), "-1\n");
  const EnergySpent spent = energy_between(sensor.source(), begin, sensor.read());
  EXPECT_EQ(told(spent.domains[0]),
            "absent: /sys/class/powercap/intel-rapl:0/energy_uj: No such file or directory");
  EXPECT_EQ(told(spent.domains[1]),
            "absent: /sys/class/powercap/intel-rapl:1/energy_uj: expected a number of microjoules");
}

TEST(RaplSensor, HasNoEnergyWhereTheCounterStandsStill) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", 50)
      .zone("intel-rapl:0:0", "dram", 7)
      .zone("intel-rapl:0:1", "core", 7);
  HandClock clock;
  RaplSensor sensor(clock, system.root());
  const EnergyReading begin = sensor.read();
  clock.pass_s(1.5);
  EXPECT_EQ(told(energy_between(sensor.source(), begin, sensor.read()).total),
            "absent: the counter of package-0 stood still for 1.5 s");
  // Memory that isn't counted leaves a total, which says so.
  system.energy("intel-rapl:0", 2'000'050);
  EXPECT_EQ(told(energy_between(sensor.source(), begin, sensor.read()).total),
            "2 J measured: without package-0/dram: the counter of package-0/dram stood still for "
            "1.5 s");
}

TEST(RaplSensor, SaysWhyThereIsNoneAndWhatWouldHelp) {
  HandClock clock;
  FakeRapl system;
  const auto refused = [&](const std::string& reason, const std::string& enable) {
    const RaplSensor sensor(clock, system.root());
    EXPECT_EQ(sensor.source().label, EnergyLabel::absent);
    EXPECT_EQ(sensor.source().reason, reason);
    EXPECT_EQ(sensor.source().enable, enable);
  };
  refused(
      "no /sys/class/powercap: the kernel shows no energy counters, as in most virtual machines",
      "a machine that is not virtual, with an Intel or AMD processor; there, if the folder is "
      "missing: sudo modprobe intel_rapl_msr");
  system.file("sys/class/powercap/dtpm/enabled", "1\n");
  refused(
      "no intel-rapl zone in /sys/class/powercap: the driver is not loaded, or does not know "
      "this processor",
      "sudo modprobe intel_rapl_msr");
  std::filesystem::create_directory(system.root() + "/sys/class/powercap/intel-rapl:0");
  refused("the zones in /sys/class/powercap can't be read, as where a container hides them",
          "run outside of the container, or let it see /sys/devices/virtual/powercap");
  system.zone("intel-rapl:0", "gadget", 1);
  refused("no zone in /sys/class/powercap is a package's or the whole platform's",
          "a kernel that knows this processor");
}

/// Takes root's rights away for as long as it lives: files can then refuse to be read.
class AsNobody {
 public:
  AsNobody() : was_root_(::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    worked_ = !was_root_ || ::seteuid(kNobody) == 0;
  }
  ~AsNobody() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }
  bool worked() const { return worked_; }

 private:
  bool was_root_, worked_;
};

TEST(RaplSensor, SaysHowToReadCountersThatAreRootsAlone) {
  FakeRapl system;
  system.zone("intel-rapl:0", "package-0", 50).zone("intel-rapl:0:0", "core", 5);
  using std::filesystem::perms;
  std::filesystem::permissions(system.root(), perms::all);
  for (const char* zone : {"intel-rapl:0", "intel-rapl:0:0"})
    std::filesystem::permissions(system.root() + "/" + FakeRapl::path(zone, "energy_uj"),
                                 perms::none);
  HandClock clock;
  const AsNobody nobody;
  if (!nobody.worked()) GTEST_SKIP() << "root can't become anybody else here";
  const auto sensor = choose_energy_sensor(clock, system.root());
  EXPECT_EQ(sensor->source().name, "none");
  EXPECT_EQ(sensor->source().found, "package-0, package-0/core");
  EXPECT_EQ(
      sensor->source().reason,
      "/sys/class/powercap/intel-rapl:0/energy_uj: Permission denied (since CVE-2020-8694 the "
      "kernel lets root alone read it)");
  EXPECT_EQ(sensor->source().enable,
            "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj (until the next start of the "
            "machine; all its users can then read its power), or run as root");
}

TEST(EnergySensor, IsChosenByWhatTheMachineShows) {
  HandClock clock;
  FakeRapl system;
  const auto none = choose_energy_sensor(clock, system.root());
  EXPECT_EQ(none->source().name, "none");
  const EnergyReading begin = none->read();
  clock.pass_s(1);
  const EnergySpent spent = energy_between(none->source(), begin, none->read());
  EXPECT_EQ(spent.time_s, 1);
  EXPECT_TRUE(spent.domains.empty());
  EXPECT_EQ(told(spent.total),
            "absent: no /sys/class/powercap: the kernel shows no energy counters, as in most "
            "virtual machines");
  system.zone("intel-rapl:0", "package-0", 5);
  EXPECT_EQ(choose_energy_sensor(clock, system.root())->source().name, "rapl");
}

TEST(RecordedSensor, FollowsThePowerBetweenItsLines) {
  const TemporaryFolder folder;
  folder.write("power.txt", "# idle, then a run\n0 10\n\n2 10  # watts\n4 30\n");
  HandClock clock;
  RecordedSensor sensor(clock, folder / "power.txt");
  const EnergyReading begin = sensor.read();
  const std::string label =
      " estimated: replayed from " + (folder / "power.txt") + ", not measured in this run";
  const auto spent = [&] { return energy_between(sensor.source(), begin, sensor.read()); };
  clock.pass_s(1);
  EXPECT_EQ(told(spent().total), "10 J" + label);
  clock.pass_s(2);  // 2 s of 10 W, and 1 s from 10 to 20 W
  EXPECT_EQ(told(spent().total), "35 J" + label);
  clock.pass_s(1);
  EXPECT_EQ(told(spent().total), "60 J" + label);
  clock.pass_s(0.5);
  EXPECT_EQ(told(spent().total), "absent: " + (folder / "power.txt") + " ends at 4 s");
}

TEST(RecordedSensor, RefusesWhatIsNoTrace) {
  const TemporaryFolder folder;
  HandClock clock;
  const auto refuses = [&](const std::string& text, const std::string& message) {
    folder.write("power.txt", text);
    EXPECT_EQ(message_of([&] { RecordedSensor(clock, folder / "power.txt"); }),
              (folder / "power.txt") + message);
  };
  const std::string expected = ": expected 'TIME_S WATTS', two numbers from 0 on, found ";
  refuses("0 10\n1 ten\n", ", line 2" + expected + "'1 ten'");
  refuses("0 -1\n", ", line 1" + expected + "'0 -1'");
  refuses("0 10 11\n", ", line 1" + expected + "'0 10 11'");
  refuses("0 10\n0 11\n", ", line 2: expected a time after 0 s, found 0 s");
  refuses("0 10\n", ": expected at least two lines 'TIME_S WATTS', found 1");
  refuses("1 10\n2 10\n", ": expected a trace from time 0 on, found one from 1 s");
  EXPECT_EQ(message_of([&] { RecordedSensor(clock, folder / "missing"); }),
            (folder / "missing") + ": expected a power trace, but it can't be read");
}

TEST(MeasureFor, ReadsBeforeAndAfterAndDoesNotWaitForNothing) {
  const TemporaryFolder folder;
  folder.write("power.txt", "0 10\n3600 10\n");
  SteadyClock clock;
  RecordedSensor sensor(clock, folder / "power.txt");
  const EnergySpent spent = measure_for(sensor, 0.02);
  EXPECT_GE(spent.time_s, 0.02);
  EXPECT_NEAR(spent.total.joules.value(), 10 * spent.time_s, 1e-9);
  NoSensor none(clock, {.name = "rapl", .reason = "no counters"});
  EXPECT_EQ(told(measure_for(none, 3600).total), "absent: no counters");
}

TEST(MeasureFor, IsEndedByCtrlC) {
  const TemporaryFolder folder;
  folder.write("power.txt", "0 10\n7200 10\n");
  SteadyClock clock;
  RecordedSensor sensor(clock, folder / "power.txt");
  interrupt_requested = true;
  EXPECT_THROW((void)measure_for(sensor, 3600), Interrupted);
  interrupt_requested = false;
}

/// A machine with one package, and what it spends in a time.
class OnePackage {
 public:
  EnergySpent spend(double joules, double seconds) {
    const EnergyReading begin = sensor_.read();
    clock_.pass_s(seconds);
    total_uj_ += static_cast<int64_t>(joules * 1e6);
    system_.energy("intel-rapl:0", total_uj_);
    return energy_between(sensor_.source(), begin, sensor_.read());
  }

 private:
  FakeRapl system_;
  HandClock clock_;
  int64_t total_uj_ = 0;
  RaplSensor sensor_{clock_, system_.zone("intel-rapl:0", "package-0", 0).root()};
};

TEST(IdlePower, IsSubtractedIntoAFigureOfItsOwn) {
  OnePackage machine;
  const IdlePower idle = idle_power(machine.spend(20, 4));
  EXPECT_EQ(idle.watts, 5.0);
  EXPECT_EQ(idle.over_s, 4.0);
  const EnergySpent spent = machine.spend(50, 2);
  EXPECT_EQ(told(above_idle(spent, idle)),
            "40 J estimated: less 5 W for 2 s, measured over 4 s before");
  EXPECT_EQ(told(spent.total), "50 J measured");
}

TEST(IdlePower, IsAbsentWithTheReasonAndSoIsWhatItWouldBeSubtractedFrom) {
  OnePackage machine;
  const IdlePower still = idle_power(machine.spend(0, 1));
  EXPECT_FALSE(still.watts);
  EXPECT_EQ(still.reason, "the counter of package-0 stood still for 1 s");
  const EnergySpent spent = machine.spend(10, 2);
  EXPECT_EQ(told(above_idle(spent, still)),
            "absent: no idle power: the counter of package-0 stood still for 1 s");
  EXPECT_EQ(told(above_idle(spent, {.watts = 6, .reason = "", .over_s = 1})),
            "absent: less than an idle machine took (6 W for 2 s, measured over 1 s before): it "
            "was not idle then");
  EXPECT_EQ(told(above_idle(machine.spend(0, 3), {.watts = 6, .reason = "", .over_s = 1})),
            "absent: the counter of package-0 stood still for 3 s");
}

}  // namespace
}  // namespace crescent
