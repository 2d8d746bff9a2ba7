--- The steps that lead up to a level, each a model that can be run.
local ladder = {}

--- Passes of a plan that can be switched off: of those of `model:passes()`, the ones that
--- model:optimize lets go.
local function switchable(model)
  local names = {}
  for _, pass in ipairs(model:passes()) do
    if pcall(model.optimize, model, { level = 2, passes = { [pass.name] = false } }) then
      names[#names + 1] = pass.name
    end
  end
  return names
end

local function changed_by(model, name)
  for _, pass in ipairs(model:passes()) do
    if pass.name == name then return pass.changed end
  end
end

local function add(steps, level, name, changed, model)
  steps[#steps + 1] = { level = level, name = name, changed = changed, model = model }
end

--- Level 2 without what can be switched off, then with one more of it in each step.
local function add_passes(steps, model)
  local names, passes = switchable(model:optimize { level = 2 }), {}
  for _, name in ipairs(names) do passes[name] = false end
  add(steps, 2, 'level 2, plain', 'a static plan with own kernels; '
    .. table.concat(names, ', ') .. ' off', model:optimize { level = 2, passes = passes })
  for _, name in ipairs(names) do
    passes[name] = true
    local made = model:optimize { level = 2, passes = passes }
    add(steps, 2, '+ ' .. name, changed_by(made, name), made)
  end
end

--- Narrower weights, then the narrower head, then narrower keys and values, then scales that a text
--- chose.
local function add_storage(steps, model, options)
  local storage = { level = 3, weights = options.weights, group = options.group, head = 'fp32' }
  local made = model:optimize(storage)
  add(steps, 3, '+ weights', changed_by(made, 'weights'), made)
  if options.head ~= 'fp32' then
    storage.head = options.head
    made = model:optimize(storage)
    add(steps, 3, '+ head', changed_by(made, 'head'), made)
  end
  if options.kv and options.kv ~= 'fp32' then
    storage.kv = options.kv
    made = model:optimize(storage)
    add(steps, 3, '+ kv', changed_by(made, 'kv'), made)
  end
  if not options.calibrated then return end
  add(steps, 3, '+ calibration', changed_by(options.calibrated, 'calibration'), options.calibrated)
end

--- Lists the steps up to `options.level`: { level, name, changed, model }.
---@param model crescent.Model
---@param options { level: integer, weights: string?, head: string?, group: integer?, kv: string?,
---  calibrated: crescent.Model? }  # `calibrated`: the last step, with all of the others
function ladder.of(model, options)
  local steps = {}
  add(steps, 0, 'level 0', 'the reference: one operator after the other',
    model:optimize { level = 0 })
  if options.level >= 1 then
    add(steps, 1, 'level 1', 'as few operators as LibTorch has for it',
      model:optimize { level = 1 })
  end
  if options.level >= 2 then add_passes(steps, model) end
  if options.level >= 3 then add_storage(steps, model, options) end
  return steps
end

--- Lists the levels above 0, each with its last step and the last one of the level below.
function ladder.levels(steps)
  local last, list = {}, {}
  for _, step in ipairs(steps) do last[step.level] = step end
  for level = 1, #last do
    list[#list + 1] = { level = level, top = last[level], below = last[level - 1] }
  end
  return list
end

return ladder
