-- SPDX-License-Identifier: MIT
-- What Lua programs rely on and a port may break: errors across C and Lua, coroutines, metatables, closures, integers and
-- floats, string formatting, garbage collection. Prints what it sees; the native program prints the same.
print(pcall(error, "message", 0))
print(pcall(error, { code = 42 }) == false)
local function without_place(message) return (tostring(message):gsub("^.-:%d+: ", "")) end
print(without_place(select(2, pcall(function() local x = nil; return x.field end))))
print(without_place(select(2, pcall(function() return 1 < "2" end))))
print(xpcall(function() error("deep", 0) end, function(m) return "handled " .. m end))
local function nested(n)
  if n == 0 then error("bottom", 0) end
  local ok, message = pcall(nested, n - 1)
  error(message .. "," .. n, 0)
end
print(pcall(nested, 20))
print(select(2, pcall(string.rep)))
print(pcall(function() local t = setmetatable({}, { __index = function(_, k) error("no " .. k, 0) end }); return t.x end))
local count = 0
for i = 1, 10000 do if not pcall(error, i) then count = count + 1 end end
print("caught", count)
local function overflow() return 1 + overflow() end
local ok, message = pcall(overflow)
print(ok, without_place(message):sub(1, 14))
table.sort({ 3, 1, 2 }, function(a, b) return a < b end)
print(pcall(table.sort, { 3, 1, 2 }, function() error("in compare", 0) end))
print(pcall(string.gsub, "abc", ".", function(c) if c == "b" then error("in gsub", 0) end end))

local generator = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i * i) end end)
print(generator(), generator(), generator())
local co = coroutine.create(function(a, b)
  local c = coroutine.yield(a + b)
  local ok, m = pcall(function() local d = coroutine.yield(c * 2); error("after " .. d, 0) end)
  coroutine.yield(m)
  return "done"
end)
print(coroutine.resume(co, 1, 2))
print(coroutine.resume(co, 10))
print(coroutine.resume(co, "yield"))
print(coroutine.resume(co))
print(coroutine.resume(co))
print(coroutine.status(co), select(2, coroutine.resume(coroutine.create(function() error("in coroutine", 0) end))))
local closed = {}
do
  local x <close> = setmetatable({}, { __close = function(_, e) closed[#closed + 1] = tostring(e) end })
end
pcall(function()
  local x <close> = setmetatable({}, { __close = function(_, e) closed[#closed + 1] = tostring(e) end })
  error("closing", 0)
end)
print(table.concat(closed, " "))

local point = setmetatable({}, { __call = function(_, x) return x + 1 end, __tostring = function() return "point" end,
  __len = function() return 7 end, __concat = function(a, b) return "joined" end, __eq = function() return true end })
print(point(41), tostring(point), #point, point .. "x", point == setmetatable({}, getmetatable(point)))
print(7 // 2, -7 // 2, 7 % -3, -7 % 3, 7.5 // 2, 2 ^ 10, 1 / 0, -1 / 0, 3 | 4, ~0, 1 << 62, 1 << 63, 1 << 64)
print(math.maxinteger + 1 == math.mininteger, math.tointeger(3.0), 1e15, 1e16, 0.1, 123456789012345678)
print(string.format("%5d|%-5d|%05.1f|%x|%q|%s|%g|%a", 42, 42, 3.14159, 255, "a\nb", nil, 1e20, 1.0))
print(("hello"):byte(1, -1), ("%d"):rep(3, ","), ("abc"):reverse(), #("\u{10FFFF}"), utf8.char(228, 8364))
print(string.pack("<i4", 100):byte(1, -1))
print(string.unpack("<d", string.pack("<d", 2.5)))
print(tostring(1e100), 2 ^ 53 == 2 ^ 53 + 1, 0x7fffffffffffffff, "10" + 5, 10 .. 20)
print(load("return 1 +")) 
print(load("return ...")(1, 2))
local weak = setmetatable({}, { __mode = "k" })
for i = 1, 100 do weak[{}] = i end
collectgarbage()
print(next(weak), collectgarbage("count") > 0)
local up = {}
for i = 1, 3 do up[i] = function() i = i + 1; return i end end
print(up[1](), up[1](), up[2]())
goto done
print("skipped")
::done::
print(os.time({ year = 2020, month = 1, day = 1, hour = 12 }) > 0, type(os.clock()), os.getenv("NO_SUCH_VARIABLE"))
error("the end", 0)
