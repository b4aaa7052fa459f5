// SPDX-License-Identifier: MIT
// Exits with the status that its argument gives.
#include <stdlib.h>

int main(int argc, char** argv) { exit(argc > 1 ? atoi(argv[1]) : 0); }
