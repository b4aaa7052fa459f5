-- SPDX-License-Identifier: MIT
-- Binary trees: allocation and collection of small tables. The argument says how often.
local function tree(depth)
  if depth == 0 then return {} end
  return { tree(depth - 1), tree(depth - 1) }
end
local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end
local total = 0
for _ = 1, tonumber(arg[1]) do total = total + count(tree(13)) end
print(total)
