// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

// What libc++ and the compiler's run time of Debian want of a C library, and wasi-libc does not have.
extern "C" {
unsigned long __stack_chk_guard = 0x2f5bd1c7;
void __stack_chk_fail() { std::abort(); }
}

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::cout << "Hello from C++";
  for (const auto& word : words) std::cout << ", " << word;
  std::cout << std::endl;
}
