// SPDX-License-Identifier: MIT
// Objects, closures, arrays and exceptions: a queue of events among small objects. The argument says how often.
class Queue {
  constructor() { this.items = []; }
  push(item) {
    const items = this.items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (items[above].time <= item.time) break;
      items[at] = items[above];
      at = above;
    }
    items[at] = item;
  }
  pop() {
    const items = this.items, first = items[0], last = items.pop();
    const count = items.length;
    if (count === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= count) break;
      if (child + 1 < count && items[child + 1].time < items[child].time) child++;
      if (last.time <= items[child].time) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return first;
  }
}
class Node {
  constructor(name) { this.name = name; this.seen = 0; }
  receive(world, time, value) { this.seen++; return value % 97 === 0 ? this.fail(value) : value; }
  fail(value) { throw new RangeError(`odd ${value & 7}`); }
}
class Doubler extends Node {
  receive(world, time, value) { return super.receive(world, time, (value * 2 + 1) % 65521); }
}
let failures = 0, total = 0;
for (let round = 0; round < Number(scriptArgs[0]); round++) {
  const nodes = Array.from({ length: 16 }, (_, i) => (i % 3 === 0 ? new Doubler(`n${i}`) : new Node(`n${i}`)));
  const queue = new Queue();
  for (let i = 0; i < 200; i++) queue.push({ time: (i * 7919) % 503, to: i % 16, value: i });
  for (let step = 0; step < 4000; step++) {
    const event = queue.pop();
    let value = event.value + step;
    try {
      value = nodes[event.to].receive(nodes, event.time, value);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      failures++;
    }
    queue.push({ time: event.time + (value % 31) + 1, to: value % 16, value });
  }
  total += nodes.map(node => node.seen).filter(seen => seen > 100).reduce((a, b) => a + b, 0);
}
print(failures, total);
