// SPDX-License-Identifier: MIT
// A growing buffer with the three things that the runner's scripts are made of: bytes, LEB128 numbers, counted strings.

export class Output {
  #buffer = Buffer.alloc(1 << 16);
  #size = 0;

  byte(value) {
    if (this.#size === this.#buffer.length) this.#grow(1);
    this.#buffer[this.#size++] = value;
    return this;
  }

  u64(value) {
    if (typeof value === "number" && value < 0x80000000) {
      for (; value >= 0x80; value >>>= 7) this.byte((value & 0x7f) | 0x80);
      return this.byte(value);
    }
    let rest = BigInt(value);
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    return this.byte(Number(rest));
  }

  /** `value`: a Buffer, or text that is written as UTF-8. */
  string(value) {
    const bytes = Buffer.from(value);
    this.u64(bytes.length);
    if (this.#size + bytes.length > this.#buffer.length) this.#grow(bytes.length);
    bytes.copy(this.#buffer, this.#size);
    this.#size += bytes.length;
    return this;
  }

  bytes() {
    return this.#buffer.subarray(0, this.#size);
  }

  #grow(need) {
    const larger = Buffer.alloc(2 * this.#buffer.length + need);
    this.#buffer.copy(larger);
    this.#buffer = larger;
  }
}
