--- What tells the energy of a machine, whatever machine the test runs on.
local test = require 'crescent.test'
local energy = require 'crescent.energy_text'

test.group('crescent.energy.doctor', function()
  local doctor = crescent.energy.doctor { seconds = 0.05 }
  test.case('says what it looked for, what it found and how sure the figure is', function()
    test.equal(#doctor.sources, 1)
    local rapl = doctor.sources[1]
    test.equal(rapl.name, 'rapl')
    test.equal(rapl.looked_at, '/sys/class/powercap/intel-rapl*')
    test.ok(rapl.label == 'measured' or rapl.label == 'absent', rapl.label)
    test.equal(doctor.source, rapl.label == 'measured' and 'rapl' or 'none')
  end)
  test.case('gives a figure or the reason, never both and never 0', function()
    test.equal(doctor.watts == nil, doctor.label == 'absent')
    if doctor.watts then
      test.ok(doctor.watts > 0)
      test.ok(doctor.time_s >= 0.05)
    else
      test.ok(#doctor.absent.watts > 0)
    end
    if doctor.source == 'none' then
      test.equal(doctor.absent.watts, doctor.sources[1].reason)
      test.ok(#doctor.sources[1].enable > 0)
      test.equal(doctor.domains, {})
      test.equal(doctor.time_s, nil)
    end
  end)
  test.case('prints, and gives CSV, Markdown and JSON', function()
    test.equal(tostring(doctor):find('energy: ', 1, true), 1)
    test.equal(doctor:csv():match('^[^\n]+'), 'name,label,looked_at,found,reason,enable')
    test.ok(doctor:markdown():find('| rapl', 1, true))
    test.equal(crescent.json.decode(doctor:json()).sources[1].name, 'rapl')
    test.ok(doctor:json():find('"domains":%['), doctor:json())
  end)
  test.case('refuses a time that is too short to read anything in', function()
    test.raises(function() crescent.energy.doctor { seconds = 0 } end,
      "crescent.energy.doctor: option 'seconds': expected a number in [0.01, 60], got 0")
  end)
end)

test.group('the printed doctor', function()
  test.case('tells on a machine without counters why, and what would help', function()
    test.equal(energy.text {
      source = 'none', label = 'absent', absent = { watts = 'no counters' }, domains = {},
      sources = { { name = 'rapl', label = 'absent', looked_at = '/sys/x', reason = 'no counters',
        enable = 'another machine' } },
    }, 'energy: absent\n  rapl: absent; looked at /sys/x, found nothing\n'
      .. '    reason: no counters\n    to enable it: another machine')
  end)
  test.case('tells of a counter that can be read and stands still', function()
    test.equal(energy.text {
      source = 'rapl', label = 'absent', absent = { watts = 'it stood still' },
      sources = { { name = 'rapl', label = 'measured', looked_at = '/sys/x', found = 'psys' } },
      domains = { { name = 'psys', added = true, label = 'absent',
        absent = { watts = 'it stood still' } } },
    }, 'energy: absent: it stood still\n  rapl: measured; looked at /sys/x, found psys\n'
      .. 'domain  power  label   added  because\npsys        -  absent  yes    it stood still')
  end)
  test.case('tells on a machine with counters the power by domain and what is added', function()
    test.equal(energy.text {
      source = 'rapl', label = 'measured', watts = 23.45, time_s = 0.2,
      reason = 'without package-0/dram: it stood still',
      sources = { { name = 'rapl', label = 'measured', looked_at = '/sys/x',
        found = 'package-0, package-0/core, package-0/dram' } },
      domains = {
        { name = 'package-0', added = true, label = 'measured', watts = 23.45 },
        { name = 'package-0/core', added = false, label = 'measured', watts = 9.8765,
          why_not = 'a part of package-0' },
        { name = 'package-0/dram', added = true, label = 'absent',
          absent = { watts = 'it stood still' } },
      },
    }, table.concat({
      'energy: measured by rapl, 23.4 W now (without package-0/dram: it stood still)',
      '  rapl: measured; looked at /sys/x, found package-0, package-0/core, package-0/dram',
      'domain           power  label     added  because',
      'package-0       23.4 W  measured  yes',
      'package-0/core  9.88 W  measured  no     a part of package-0',
      'package-0/dram       -  absent    yes    it stood still',
    }, '\n'))
  end)
end)
