import { OWN_KEYS } from './keys.ts';
import { NAMES_IN } from './names.ts';
import { script } from './scripts.ts';

/**
 * How many reports of forks a name may have, in how many bytes; and how many reports are judged in all, in how many
 * bytes.
 */
export const MOST_FORKS = 16;
export const MOST_FORK_BYTES = 16 * 1024;
const MOST_JUDGED = 256;
const MOST_JUDGED_BYTES = 1024 * 1024;

/** How many names one EXISTS asks about: nearly always none has a report, and asking one by one takes twice as long. */
const AT_ONCE = 200;

/**
 * The reports against a generation: name, id, text and held epoch of each, and 1 where there are more than are judged.
 * Excluded names are passed over. A report that does not contain the generation's name is not decoded, and nothing is
 * read beyond the length that honest executors keep to. Needs `NAMES_IN`.
 */
export const FORKS_IN = `
local function excludedBy(control)
  local excluded = {}
  local readable, decoded = pcall(cjson.decode, control or '')
  if readable and type(decoded) == 'table' and type(decoded.excluded) == 'table' then
    for _, name in ipairs(decoded.excluded) do
      if type(name) == 'string' then excluded[escaped(name)] = true end
    end
  end
  return excluded
end
local function reportingIn(names, prefix)
  local reporting = {}
  for from = 1, #names, ${AT_ONCE} do
    local some = {}
    for i = from, math.min(#names, from + ${AT_ONCE} - 1) do table.insert(some, prefix .. names[i] .. ':${OWN_KEYS.forks}') end
    if redis.call('EXISTS', unpack(some)) > 0 then
      for i = 1, #some do
        if redis.call('EXISTS', some[i]) > 0 then table.insert(reporting, names[from + i - 1]) end
      end
    end
  end
  return reporting
end
local function forksIn(key, prefix, generation, excluded)
  local reports = {}
  local bytes = 0
  local function isNamed(text)
    return string.find(generation, '[%c"\\\\]') or string.find(text, generation, 1, true)
  end
  for _, name in ipairs(reportingIn(namesIn(key), prefix)) do
    local mayCount = isEscaped(name) and not excluded[name]
    local found = mayCount and redis.pcall('GETRANGE', prefix .. name .. ':${OWN_KEYS.forks}', 0, ${MOST_FORK_BYTES - 1})
    if type(found) == 'string' and isNamed(found) then
      bytes = bytes + #found
      if bytes > ${MOST_JUDGED_BYTES} then return reports, 1 end
      local count = 0
      for line in string.gmatch(found, '[^\\n]+') do
        count = count + 1
        if count > ${MOST_FORKS} then break end
        local id, text = string.match(line, '^(%S+) (.*)$')
        local readable, report
        if id and isNamed(text) then readable, report = pcall(cjson.decode, text) end
        if readable and type(report) == 'table' and report.against == generation and type(report.held) == 'table' then
          if #reports >= ${MOST_JUDGED} then return reports, 1 end
          table.insert(reports, { name, id, text, report.held.epoch })
        end
      end
    end
  end
  return reports, 0
end
`;

/**
 * The same for operators. KEYS: names. ARGV: what executors' keys begin with, the generation, the state's entry
 * `control`.
 */
export const READ_FORKS = `${NAMES_IN}${FORKS_IN}
local reports, more = forksIn(KEYS[1], ARGV[1], ARGV[2], excludedBy(ARGV[3]))
local found = {}
for i, report in ipairs(reports) do found[i] = { report[1], report[2], report[3], '' } end
return { found, more }
`;

/**
 * Removes all reports of forks, after a `recover` has ended them. KEYS: names, changes. ARGV: what executors' keys
 * begin with.
 */
export const CLEAR_FORKS = script(`#!lua
${NAMES_IN}
for _, name in ipairs(namesIn(KEYS[1])) do redis.call('UNLINK', ARGV[1] .. name .. ':${OWN_KEYS.forks}') end
redis.pcall('INCR', KEYS[2])
return 1
`);
