"""The budget's one step, run inside Redis so that no two processes take the same request.

One hash per scope:

- `window`   the epoch window that the counts are of
- `by:…`     what each process has spent in it. A process tells its own count each time, so what
             Redis forgot when it was killed, whoever spent it brings back
- `carried`  what the window before spent so late that it may have arrived in this one
- `owed`     the same, of this window for the next
- `limit`    the size of a window, as learnt
- `closed`   until when nothing leaves (ms since the epoch)
- `struck`   the last window in which a 429 came; `lowering`, whether it came soon after another

ARGV: verb (take, peek, limited), kind, process, its window, its count in it, period ms, full limit,
reserve, margin ms; and for `limited`: the window in which the refused request left, ms to pause.
"""

# 429s this many windows apart are accidents; closer, they say that the windows are too large.
MEMORY = 10

SCRIPT = f"""
local key, verb, kind, process = KEYS[1], ARGV[1], ARGV[2], 'by:' .. ARGV[3]
local period, full = tonumber(ARGV[6]), tonumber(ARGV[7])
local reserve, margin = tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window = math.floor(now / period)
local inside = now - window * period

local state = {{}}
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do state[all[i]] = all[i + 1] end
local function number(field, default) return tonumber(state[field] or default) end
local function put(field, value)
  state[field] = value
  redis.call('HSET', key, field, value)
end

-- A new window. (A clock that went back keeps the counts it has.)
local before = number('window', window)
local limit = math.max(1, math.min(full, number('limit', full)))
if before < window then
  for field in pairs(state) do
    if string.sub(field, 1, 3) == 'by:' then
      redis.call('HDEL', key, field)
      state[field] = nil
    end
  end
  local quiet = window - math.max(before, number('struck', 0) + 1)
  limit = math.min(full, limit + math.max(0, quiet))
  put('carried', before == window - 1 and number('owed', 0) or 0)
  put('owed', 0)
end
put('window', window)
put('limit', limit)
redis.call('PEXPIRE', key, math.max(3600000, 20 * period))

if tonumber(ARGV[4]) == window and tonumber(ARGV[5]) > number(process, 0) then
  put(process, tonumber(ARGV[5]))
end
local spent = number('carried', 0)
for field, count in pairs(state) do
  if string.sub(field, 1, 3) == 'by:' then spent = spent + tonumber(count) end
end

if verb == 'limited' then
  local pause = tonumber(ARGV[11])
  local closed = 0
  if pause > 0 then
    closed = now + pause
  elseif tonumber(ARGV[10]) == window or tonumber(ARGV[10]) < 0 then
    closed = (window + 1) * period + margin
  end
  if closed > number('closed', 0) then put('closed', closed) end
  local lowest = math.max(1, math.floor(full / 3))
  if number('struck', -1) ~= window then
    local soon = state.struck and window - number('struck', 0) <= {MEMORY}
    put('struck', window)
    put('lowering', soon and 1 or 0)
    if soon then limit = math.min(limit, spent) end
  end
  if number('lowering', 0) == 1 then put('limit', math.max(lowest, limit - 1)) end
  return {{0, 0, window, 0}}
end

local kept = 0
if kind ~= 'interactive' then kept = math.min(math.floor(reserve * limit / full), limit - 1) end
local left = math.max(0, limit - kept - spent)
local closed = number('closed', 0) - now
if closed > 0 and closed <= 120000 + period then return {{0, closed, window, 0}} end
if verb == 'peek' then return {{0, 0, window, left}} end
if inside < margin then return {{0, margin - inside, window, left}} end
if left == 0 then return {{0, period - inside + margin, window, 0}} end

put(process, number(process, 0) + 1)
if period - inside <= period / 60 then put('owed', number('owed', 0) + 1) end
return {{1, 0, window, left - 1}}
"""
