--- How crescent.energy.doctor prints, and what its CSV and Markdown hold.
local tables = require 'crescent.table'
local units = require 'crescent.units'

local energy = {}

local function plain(value) return tostring(value) end

--- Columns of its rows: the kinds of sensors that were looked for.
energy.columns = {
  { 'name', plain, 'left' }, { 'label', plain, 'left' }, { 'looked_at', plain, 'left' },
  { 'found', plain, 'left' }, { 'reason', plain, 'left' }, { 'enable', plain, 'left' },
}

function energy.rows(doctor) return doctor.sources end

local function watts(value) return units.number(value, 3) .. ' W' end

local function headline(doctor)
  if doctor.source == 'none' then return 'energy: absent' end -- the sources below say why
  if not doctor.watts then return 'energy: absent: ' .. doctor.absent.watts end
  local line = ('energy: %s by %s, %s now'):format(doctor.label, doctor.source,
    watts(doctor.watts))
  return doctor.reason and ('%s (%s)'):format(line, doctor.reason) or line
end

local function add_source(lines, source)
  lines[#lines + 1] = ('  %s: %s; looked at %s, found %s'):format(source.name, source.label,
    source.looked_at, source.found or 'nothing')
  if source.reason then lines[#lines + 1] = '    reason: ' .. source.reason end
  if source.enable then lines[#lines + 1] = '    to enable it: ' .. source.enable end
end

local function domains_text(domains)
  local spec = { titles = { 'domain', 'power', 'label', 'added', 'because' },
    align = { 'left', 'right', 'left', 'left', 'left' }, rows = {} }
  for i, domain in ipairs(domains) do
    spec.rows[i] = { domain.name, domain.watts and watts(domain.watts) or '-', domain.label,
      domain.added and 'yes' or 'no',
      domain.why_not or domain.reason or domain.absent and domain.absent.watts or '' }
  end
  return tables.text(spec)
end

--- The verdict, what was looked for, and the power by domain.
function energy.text(doctor)
  local lines = { headline(doctor) }
  for _, source in ipairs(doctor.sources) do add_source(lines, source) end
  if #doctor.domains > 0 then lines[#lines + 1] = domains_text(doctor.domains) end
  return table.concat(lines, '\n')
end

return energy
