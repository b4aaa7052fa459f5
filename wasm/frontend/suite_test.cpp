// SPDX-License-Identifier: MIT
// Decoder, validator and front end over the official test suite: every module must be accepted and give sound
// SSA, every malformed or invalid one be refused with the suite's words. wabt's wast2json splits the scripts;
// those that it cannot read, and modules that use what the engine does not have, are counted apart. The
// environment variable NEBULET_TESTSUITE names the suite's folder; without it the one given at configuration.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "wasm/compile.h"
#include "wasm/frontend/build.h"
#include "wasm/frontend/wat_test_helper.h"
#include "wasm/ir/cfg.h"
#include "wasm/ir/verify.h"
#include "wasm/validate/validate.h"

namespace nebulet::wasm {
namespace {

namespace fs = std::filesystem;

struct Verdict {
  bool accepted = false, unsupported = false;
  Error error;
  std::string broken;  ///< what ir::verify found
};

Verdict check(const std::vector<std::byte>& bytes) {
  Verdict verdict;
  auto module = decode_module(bytes);
  const auto refuse = [&](const Error& error) {
    verdict.error = error;
    verdict.unsupported = error.kind == Error::Kind::limit;
    return verdict;
  };
  if (!module) return refuse(module.error());
  Arena arena, scratch;
  for (std::uint32_t i = 0; i < module->defined_functions(); ++i) {
    arena.reset();
    scratch.reset();
    const auto valid = validate_function(*module, i, scratch);
    ir::Function function(arena);
    const auto built = build_function(*module, i, function);
    if (valid.has_value() != built.has_value()) verdict.broken = "validator and front end disagree";
    if (!built) return refuse(built.error());
    ir::compute_cfg(function);
    if (verdict.broken.empty()) verdict.broken = ir::verify(function);
  }
  verdict.accepted = true;
  return verdict;
}

/// The string field `name` of a one-line JSON object as wast2json writes them.
std::string field(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\": \"";
  const auto at = line.find(key);
  if (at == std::string::npos) return {};
  const auto begin = at + key.size();
  return line.substr(begin, line.find('"', begin) - begin);
}

struct Counts {
  int scripts = 0, unreadable = 0, modules = 0, refused = 0, unsupported = 0, skipped_text = 0,
      other_words = 0;
};

/// Two known differences in what is noticed first. The reference decoder reads on behind the end of a
/// section, these scripts have sections with wrong sizes; and wast2json leaves out the data count that
/// memory.init needs.
bool may_use_other_words(const std::string& script, const std::string& message) {
  return script == "binary.wast" || script == "binary-leb128.wast" ||
         message == "data count section required";
}

/// What the suite expects of `line`, compared with what happens.
void run_command(const std::string& script, const std::string& line, const fs::path& folder, Counts& counts) {
  const std::string type = field(line, "type"), file = field(line, "filename"), text = field(line, "text");
  if (file.empty()) return;
  const bool is_module = type == "module" || type == "assert_unlinkable" || type == "assert_uninstantiable" ||
                         type == "assert_trap";
  const bool is_refusal = type == "assert_invalid" || type == "assert_malformed";
  if (!is_module && !is_refusal) return;
  if (field(line, "module_type") == "text") {
    ++counts.skipped_text;
    return;
  }
  const Verdict verdict = check(read_test_file((folder / file).string()));
  const std::string where = script + " " + line.substr(0, 160);
  EXPECT_EQ(verdict.broken, "") << where;
  if (verdict.unsupported) {
    ++counts.unsupported;
  } else if (is_module) {
    ++counts.modules;
    EXPECT_TRUE(verdict.accepted) << where << "\n  " << verdict.error.message << " at "
                                  << verdict.error.offset;
  } else {
    ++counts.refused;
    EXPECT_FALSE(verdict.accepted) << where;
    if (verdict.accepted) return;
    const bool words_match = verdict.error.message.starts_with(text);
    if (!words_match && may_use_other_words(script, verdict.error.message)) {
      ++counts.other_words;
      std::printf("other words: %s\n  %s\n", where.c_str(), verdict.error.message.c_str());
      return;
    }
    EXPECT_EQ(verdict.error.kind, type == "assert_invalid" ? Error::Kind::invalid : Error::Kind::malformed)
        << where << "\n  " << verdict.error.message;
    EXPECT_TRUE(words_match) << where << "\n  " << verdict.error.message;
  }
}

TEST(TestSuite, ModulesAreAcceptedAndBadOnesRefused) {
  const char* variable = std::getenv("NEBULET_TESTSUITE");
  const fs::path suite = variable ? variable : NEBULET_TESTSUITE;
  if (suite.empty() || !fs::exists(suite)) GTEST_SKIP() << "no test suite; set NEBULET_TESTSUITE";
  char name[] = "/tmp/nebulet-suite-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const fs::path folder = name;
  std::vector<fs::path> scripts;
  for (const auto& entry : fs::directory_iterator(suite))
    if (entry.path().extension() == ".wast") scripts.push_back(entry.path());
  std::sort(scripts.begin(), scripts.end());
  Counts counts;
  for (const fs::path& script : scripts) {
    const std::string command = "wast2json --enable-all " + script.string() + " -o " +
                                (folder / "script.json").string() + " > /dev/null 2>&1";
    ++counts.scripts;
    if (std::system(command.c_str()) != 0) {
      ++counts.unreadable;
    } else {
      std::ifstream json(folder / "script.json");
      for (std::string line; std::getline(json, line);) run_command(script.filename(), line, folder, counts);
    }
    for (const auto& entry : fs::directory_iterator(folder)) fs::remove(entry.path());
  }
  fs::remove(folder);
  std::printf(
      "scripts %d (not readable by wast2json: %d), modules accepted %d, refused %d, unsupported features %d, "
      "in text form %d, in other words %d\n",
      counts.scripts, counts.unreadable, counts.modules, counts.refused, counts.unsupported,
      counts.skipped_text, counts.other_words);
  EXPECT_LE(counts.other_words, 24);
  EXPECT_GT(counts.modules, 0);
}

}  // namespace
}  // namespace nebulet::wasm
