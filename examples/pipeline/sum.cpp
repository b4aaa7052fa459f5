// SPDX-License-Identifier: MIT
// The third program: how many numbers there were, and their sum.
#include <iostream>

int main() {
  unsigned long long count = 0, sum = 0;
  for (unsigned number; std::cin >> number; count++) sum += number;
  std::cout << count << '\n' << sum << '\n';
}
