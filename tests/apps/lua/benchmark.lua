-- SPDX-License-Identifier: MIT
-- Work of several kinds, with output that is the same on every machine. The argument scales it.
local scale = tonumber(arg and arg[1]) or 1

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
print("fib", fib(24 + scale))

local function tree(depth)
  if depth == 0 then return {} end
  return { tree(depth - 1), tree(depth - 1) }
end
local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end
local total = 0
for _ = 1, 4 * scale do total = total + count(tree(12)) end
print("trees", total)

local bodies = {
  { 0, 0, 0, 0, 0, 0, 39.47841760435743 },
  { 4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 0.606326392995832, 2.81198684491626, -0.02521836165988763, 0.03769367487038949 },
  { 8.34336671824457987, 4.12479856412430479, -0.403523417114321381, -1.01077434617879, 1.82566237123041, 0.00841576137658415, 0.01128632613196877 },
}
local function advance(dt)
  for i = 1, #bodies do
    local a = bodies[i]
    for j = i + 1, #bodies do
      local b = bodies[j]
      local dx, dy, dz = a[1] - b[1], a[2] - b[2], a[3] - b[3]
      local d2 = dx * dx + dy * dy + dz * dz
      local mag = dt / (d2 * math.sqrt(d2))
      a[4], a[5], a[6] = a[4] - dx * b[7] * mag, a[5] - dy * b[7] * mag, a[6] - dz * b[7] * mag
      b[4], b[5], b[6] = b[4] + dx * a[7] * mag, b[5] + dy * a[7] * mag, b[6] + dz * a[7] * mag
    end
  end
  for _, b in ipairs(bodies) do
    b[1], b[2], b[3] = b[1] + dt * b[4], b[2] + dt * b[5], b[3] + dt * b[6]
  end
end
for _ = 1, 20000 * scale do advance(0.01) end
print("bodies", string.format("%.9f %.9f %.9f", bodies[1][1], bodies[2][2], bodies[3][3]))

local words = {}
for i = 1, 20000 * scale do words[#words + 1] = ("w%x"):format(i * 7919 % 65536) end
local text = table.concat(words, " ")
local seen, longest = {}, ""
for word in text:gmatch("%w+") do
  seen[word] = (seen[word] or 0) + 1
  if #word > #longest then longest = word end
end
local keys = {}
for key in pairs(seen) do keys[#keys + 1] = key end
table.sort(keys)
print("words", #text, #keys, keys[1], keys[#keys], longest, (text:gsub("w1", "x")):sub(1, 40), text:upper():find("WFF"))

local sieve, primes = {}, 0
for i = 2, 100000 * scale do
  if not sieve[i] then
    primes = primes + 1
    for j = i * i, 100000 * scale, i do sieve[j] = true end
  end
end
print("primes", primes)
