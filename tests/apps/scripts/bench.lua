-- About one to two seconds of tables, strings, closures and arithmetic.
local text = {}
local seed = 42
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n
end
for i = 1, 60000 do text[i] = ("word%d "):format(random(5000)) end
local all = table.concat(text)
local counts, n = {}, 0
for round = 1, 8 do
  for word in all:gmatch("%a+%d+") do
    counts[word] = (counts[word] or 0) + 1
    n = n + 1
  end
end
local keys = {}
for k in pairs(counts) do keys[#keys + 1] = k end
table.sort(keys, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
for i = 1, 5 do print(keys[i], counts[keys[i]]) end
local function fib(k) if k < 2 then return k end return fib(k - 1) + fib(k - 2) end
print(n, fib(29))
local grid = {}
for i = 1, 300 do grid[i] = {} for j = 1, 300 do grid[i][j] = random(100) end end
local sum = 0
for round = 1, 15 do
  for i = 2, 299 do
    local row, up, down = grid[i], grid[i - 1], grid[i + 1]
    for j = 2, 299 do sum = (sum + row[j - 1] + row[j + 1] + up[j] + down[j] * row[j]) % 1000003 end
  end
end
print(sum)
local s = {}
for i = 1, 200000 do s[#s + 1] = ("%x"):format(i * 7):upper():reverse() end
print(#table.concat(s), (all:gsub("word(%d)", "W%1"):sub(1, 40)))
