// SPDX-License-Identifier: MIT
// Traps in a function that is inlined into another, for tests of debug information.
namespace shop {

int stock[4] = {1, 2, 3, 4};

struct Cart {
  int first;
  inline int price(int n) const {
    if (n > 3) __builtin_trap();
    return stock[n] + first;
  }
};

__attribute__((noinline)) int total(const Cart& cart, int n) { return cart.price(n) + 1; }

}  // namespace shop

int main(int argc, char**) {
  shop::Cart cart{argc};
  return shop::total(cart, argc + 4);
}
