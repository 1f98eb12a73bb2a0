-- Much of the interpreter: tables, strings, closures, coroutines, metatables, errors, files, the system.
-- Lines that differ from run to run begin with "varying".
local folder = arg[1]

local function sorted(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  return keys
end

-- Tables and closures.
local counts = {}
local function counter()
  local n = 0
  return function() n = n + 1; return n end
end
local tick = counter()
for i = 1, 2000 do
  local key = "k" .. (i * 7919 % 97)
  counts[key] = (counts[key] or 0) + tick()
end
for _, k in ipairs(sorted(counts)) do io.write(k, "=", counts[k], " ") end
print()
local order = {}
for k in pairs(counts) do order[#order + 1] = k end
print("varying order of a hash table: " .. table.concat(order, ","))

-- Strings.
local text = ("the quick brown fox jumps over the lazy dog "):rep(20)
print((text:gsub("%w+", function(w) return #w > 4 and w:upper() or nil end)):sub(1, 120))
print(text:find("lazy", 1, true), select("#", text:byte(1, 10)), ("%5.2f|%-8s|%q"):format(math.pi, "left", "a\n\0b"))
for k, v in ("a=1, b=2, c=3"):gmatch("(%w+)=(%w+)") do io.write(k, v, ";") end
print(string.pack("<i4z", 77, "packed"):byte(1, -1))
print(utf8.char(228, 8364, 128512), utf8.len("äö"))

-- Numbers.
print(7 // 2, -7 // 2, 7 % -3, 2 ^ 53, 1 << 40, 3 | 12, math.maxinteger + 1 == math.mininteger, 10 / 3)
print(tostring(1e15), 0x7fp3, tonumber("ff", 16), math.tointeger(3.0))

-- Metatables and coroutines.
local vector = {}
vector.__index = vector
vector.__add = function(a, b) return setmetatable({ x = a.x + b.x }, vector) end
vector.__tostring = function(a) return "vector(" .. a.x .. ")" end
vector.__close = function() print("closed") end
do
  local guard <close> = setmetatable({ x = 0 }, vector)
  print(tostring(setmetatable({ x = 1 }, vector) + setmetatable({ x = 2 }, vector)))
end
local producer = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i * i) end end)
print(producer(), producer(), producer())

-- Errors.
print(pcall(error, { code = 5 }) == false, select(2, pcall(error, "plain", 0)))
print(select(2, pcall(function() local t; return t.x end)))
print(xpcall(function() error("deep") end, function(m) return "handled: " .. m:gsub("^.*/", "") end))
print(select(2, load("x = = 1", "chunk")))

-- Files.
local file = assert(io.open(folder .. "/lines", "w"))
for i = 1, 500 do file:write("line ", i, " ", ("x"):rep(i % 40), "\n") end
file:close()
local total, bytes = 0, 0
for line in io.lines(folder .. "/lines") do total = total + 1; bytes = bytes + #line end
print("read", total, bytes)
file = assert(io.open(folder .. "/lines", "r+"))
file:seek("set", 5)
print(file:read("n", "l", 8), file:seek("cur"))
file:close()
print(io.open(folder .. "/not-there"))
assert(os.rename(folder .. "/lines", folder .. "/moved"))
assert(os.rename(folder .. "/moved", folder .. "/lines"))

-- The system.
local now = os.time()
print("varying time: " .. now, os.date("%Y-%m-%d %H:%M:%S", now))
print("varying clock: " .. os.clock())
print("varying address: " .. tostring({}))
print("varying random: " .. math.random(1 << 30))
print(os.date("!%c", 86400 * 365), os.getenv("ITARGET_NOT_SET"), arg[2], arg[3])

-- The collector.
for i = 1, 300 do local t = {}; for j = 1, 50 do t[j] = { i, j, tostring(i * j) } end end
collectgarbage()
print(collectgarbage("count") > 0)
print("done")
io.stderr:write("to standard error\n")
