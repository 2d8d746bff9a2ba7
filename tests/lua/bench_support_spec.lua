--- What the scripts in tests/bench compute besides measuring: limits, shares, ratios, cells.
local test = require 'crescent.test'
local fixtures = require 'fixtures'

package.path = fixtures.path '../bench/?.lua' .. ';' .. package.path
local support = require 'support'

local function machine(gb_s, gflop_s, int8)
  return { fp32_gflop_s = gflop_s, int8 = int8, read_bandwidth = {
    { bytes = 1e6, all_threads_gb_s = gb_s }, { bytes = 1e8, all_threads_gb_s = gb_s / 2 },
  } }
end

test.group('limits', function()
  test.case('are the best of two measurements', function()
    local limits = support.best_of(machine(100, 50), machine(80, 60))
    test.equal(limits.fp32_gflop_s, 60)
    test.equal(limits.read_bandwidth[1].gb_s, 100)
  end)
  test.case('are interpolated by the logarithm of the working set, and held outside', function()
    local limits = support.best_of(machine(100, 50), machine(100, 50))
    test.equal(support.bandwidth(limits, 1), 100)
    test.near(support.bandwidth(limits, 1e7), 75, 1e-9)
    test.equal(support.bandwidth(limits, 1e12), 50)
    test.near(support.read_ms(limits, 50e6, 1e12), 1, 1e-12)
  end)
  test.case('of narrow products are those of instructions that take them as they are', function()
    local widened = machine(1, 50, { gop_s = 90, by = 'vpmaddwd' })
    test.equal(support.peak(support.best_of(widened, widened), 'int8'), 50)
    local narrow = machine(1, 50, { gop_s = 200, by = 'vpdpbusd' })
    local limits = support.best_of(narrow, narrow)
    test.equal(support.peak(limits, 'int8'), 200)
    test.equal(support.peak(limits, 'fp32'), 50)
    test.equal(support.peak(limits, 'bf16'), 50)
  end)
end)

test.group('figures', function()
  test.case('keep their interval in order when they are turned over', function()
    local share = support.share(10, support.figure(20, { low = 16, high = 25 }, 'ms'))
    test.equal({ share.value, share.low, share.high, share.unit }, { 0.5, 0.4, 0.625, 'share' })
  end)
  test.case('of two rows are compared block by block, whichever is the baseline', function()
    local half, twice, base = { -0.5, -0.7, -0.6 }, { 0.5, 0.7, 0.6 }, {}
    local logs = function(list) return { block_logs = list } end
    test.near(support.ratio(logs(half), logs(twice)).value, math.exp(-1.2), 1e-12)
    local base_row = logs(base)
    test.near(support.ratio(base_row, logs(twice)).value, math.exp(-0.6), 1e-12)
    test.equal(support.ratio(base_row, base_row).value, 1)
  end)
  test.case('print with their interval, and without one that says nothing', function()
    test.equal(support.cell(support.figure(25.81, { low = 25.1, high = 26.44 }, 'ms')),
      '25.81 ms (25.10 .. 26.44)')
    test.equal(support.cell(support.figure(2, { low = 2, high = 2 }, 'x')), '2 x')
    test.equal(support.cell(support.figure(3145728, nil, 'bytes')), '3.0 MiB')
    test.equal(support.cell(nil), '-')
  end)
end)

test.group('peers', function()
  test.case('that are not installed are named, with the way to get them', function()
    local output, code = require('crescent.child').run {
      fixtures.path '../bench/peers.lua', '--torch-python', '/nowhere/python', '--llama-python',
      '/nowhere/python',
    }
    test.equal(code, 1)
    for _, text in ipairs {
      'PyTorch is not there: ', '/nowhere/python: not found',
      '/nowhere/python -m venv DIR && DIR/bin/pip install torch numpy; then --torch-python '
        .. 'DIR/bin/python',
      'llama.cpp is not there: ',
      'DIR/bin/pip install llama-cpp-python gguf numpy; then --llama-python DIR/bin/python',
    } do test.ok(output:find(text, 1, true), text .. ' is missing in\n' .. output) end
  end)
end)
