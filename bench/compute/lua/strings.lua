-- SPDX-License-Identifier: MIT
-- Formatting, patterns, concatenation, tables with string keys, sorting. The argument says how often.
local length = 0
for round = 1, tonumber(arg[1]) do
  local words = {}
  for i = 1, 10000 do words[i] = ("w%x"):format((i + round) * 7919 % 65536) end
  local text = table.concat(words, " ")
  local seen = {}
  for word in text:gmatch("%w+") do seen[word] = (seen[word] or 0) + 1 end
  local keys = {}
  for key in pairs(seen) do keys[#keys + 1] = key end
  table.sort(keys)
  length = length + #text:gsub("w1", "x") + #text:upper() + #keys[1]
end
print(length)
