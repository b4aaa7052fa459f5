// SPDX-License-Identifier: MIT
// Tests only: cases of code that the verifier must accept, or refuse by a rule.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wasm/verify/assemble.h"
#include "wasm/verify/verify.h"

namespace nebulet::wasm::verify {

inline std::string verdict(const CodeObject& code, const Module& module) {
  const Result<> result = verify_code(code, module);
  return result ? "accepted" : result.error().message;
}

/// A function of type `type` with the text `body`; `name` is "F0" with its attributes.
struct Case {
  std::string body;
  std::string rule;  ///< empty: accepted; "*": refused by any rule; else how the message begins
  std::uint32_t type;
  std::string name, rodata;
};

/// Collects the cases of a test and assembles all of them at its end.
class VerifyTest : public testing::Test {
 protected:
  static void accepts(const std::string& body, std::uint32_t type = 0, const std::string& name = "F0",
                      const std::string& rodata = "") {
    cases_.push_back({body, "", type, name, rodata});
  }
  static void refuses(const std::string& body, const std::string& rule, std::uint32_t type = 0,
                      const std::string& name = "F0", const std::string& rodata = "") {
    cases_.push_back({body, rule, type, name, rodata});
  }
  static void zero(const std::string& setup) { accepts(setup + "\nT1: mov eax, gs:[rcx + 4]\nret"); }
  static void not_zero(const std::string& setup) {
    refuses(setup + "\nT1: mov eax, gs:[rcx + 4]\nret", "address is not zero-extended");
  }
  void TearDown() override {
    if (cases_.empty()) return;
    std::vector<std::string> sources;
    for (const Case& c : cases_) {
      sources.push_back(test_symbols(test_module({c.type})) + c.name + ":\n" + c.body + "\nE0:\n");
      if (!c.rodata.empty()) sources.back() += ".p2align 12, 0xcc\nRODATA:\n" + c.rodata;
    }
    const std::vector<CodeObject> objects = assemble_all(sources);
    for (std::size_t i = 0; i < objects.size(); i++) {
      const Case& c = cases_[i];
      const std::string result = verdict(objects[i], test_module({c.type}));
      const bool good = c.rule.empty()  ? result == "accepted"
                        : c.rule == "*" ? result != "accepted"
                                        : result.starts_with(c.rule);
      EXPECT_TRUE(good) << c.body << "\n-> " << result
                        << "; expected: " << (c.rule.empty() ? "accepted" : c.rule);
    }
    cases_.clear();
  }

 private:
  static inline std::vector<Case> cases_;
};

}  // namespace nebulet::wasm::verify
