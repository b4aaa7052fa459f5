// SPDX-License-Identifier: MIT
// The second program: lets primes through.
#include <iostream>

static bool is_prime(unsigned number) {
  for (unsigned divisor = 2; divisor * divisor <= number; divisor++)
    if (number % divisor == 0) return false;
  return true;
}

int main() {
  for (unsigned number; std::cin >> number;)
    if (is_prime(number)) std::cout << number << '\n';
}
