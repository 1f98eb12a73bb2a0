-- Ends with an uncaught error: message, traceback, exit status 1.
print("before")
local function inner(n)
  if n == 0 then error("nothing left") end
  return 1 + inner(n - 1)
end
inner(3)
