// SPDX-License-Identifier: MIT
// Shows what is typed until Escape: an ordinary program, whose input comes from a keyboard's driver and whose
// output goes to a screen's (nebulet.toml).
#include <stdio.h>

int main(void) {
  enum { kEscape = 033 };
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IONBF, 0);
  puts("Nebulet. Type; Escape ends it.");
  fputs("ready\n", stderr);
  for (int c; (c = getchar()) != EOF;) {
    if (c == kEscape) return 0;
    putchar(c);
  }
  fputs("terminal: the keyboard is gone\n", stderr);
  return 1;
}
