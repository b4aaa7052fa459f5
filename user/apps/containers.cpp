// SPDX-License-Identifier: MIT
// A C++ program with iostream, containers, algorithms and std::format, whose output is the same on every
// machine. The argument says how often it runs.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <format>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

std::uint32_t next(std::uint32_t& state) { return state = state * 1664525u + 1013904223u; }

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
};
struct Square : Shape {
  explicit Square(double side) : side_(side) {}
  double area() const override { return side_ * side_; }
  double side_;
};
struct Circle : Shape {
  explicit Circle(double radius) : radius_(radius) {}
  double area() const override { return 3.25 * radius_ * radius_; }
  double radius_;
};

void run() {
  std::uint32_t state = 42;
  std::vector<std::uint32_t> numbers(100000);
  for (auto& number : numbers) number = next(state) >> 8;
  std::ranges::sort(numbers);
  std::cout << std::format("sorted: {} {} {}\n", numbers.front(), numbers[numbers.size() / 2],
                           numbers.back());

  std::map<std::string, int> ordered;
  std::unordered_map<std::string, int> hashed;
  for (int i = 0; i < 20000; i++) {
    const std::string key = std::format("key-{:05x}", next(state) % 5000);
    ordered[key]++;
    hashed[key]++;
  }
  const bool same =
      std::ranges::all_of(ordered, [&](const auto& entry) { return hashed.at(entry.first) == entry.second; });
  std::cout << "keys: " << ordered.size() << ", same: " << std::boolalpha << same
            << ", first: " << ordered.begin()->first << '\n';

  std::vector<std::unique_ptr<Shape>> shapes;
  for (int i = 1; i <= 10; i++) {
    if (i % 2 == 0) {
      shapes.push_back(std::make_unique<Square>(i));
    } else {
      shapes.push_back(std::make_unique<Circle>(i));
    }
  }
  double total = 0;
  for (const auto& shape : shapes) total += shape->area();
  std::cout << std::format("area: {:.3f} {:e} {:>12}|{:<6}|{:^7}|\n", total, total, "right", "left", "mid");

  std::variant<int, std::string> value = std::string("variant");
  std::stringstream stream;
  stream << std::get<std::string>(value) << ' ' << 0x2a << ' ' << 2.5;
  std::cout << stream.str() << '\n';

  auto squares = std::views::iota(1, 20) | std::views::filter([](int i) { return i % 3 == 0; }) |
                 std::views::transform([](int i) { return i * i; });
  for (const int square : squares) std::cout << square << ' ';
  std::cout << std::endl;
  const std::set<int> unique(numbers.begin(), numbers.begin() + 1000);
  std::cout << std::format("set: {}, sum: {}\n", unique.size(),
                           std::accumulate(unique.begin(), unique.end(), 0LL));
}

}  // namespace

int main(int argc, char** argv) {
  const int times = argc > 1 ? std::atoi(argv[1]) : 1;
  for (int i = 0; i < times; i++) run();
}
