// SPDX-License-Identifier: MIT
// Wizer runs an initializer and gives no arguments: this one runs main with the words of the environment
// variable WIZER_ARGS.
#include <stdlib.h>
#include <string.h>

extern int __main_argc_argv(int argc, char** argv);

__attribute__((export_name("wizer.initialize"))) void wizer_initialize(void) {
  static char* argv[16] = {"program"};
  int argc = 1;
  for (char* word = strtok(getenv("WIZER_ARGS"), " "); word != NULL && argc < 15; word = strtok(NULL, " "))
    argv[argc++] = word;
  exit(__main_argc_argv(argc, argv));
}
