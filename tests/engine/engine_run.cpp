// SPDX-License-Identifier: MIT
// engine_run SCRIPT.json …: runs scripts that wast2json made and prints what passed, for each and in total.
#include <cstdio>

#include "tests/engine/files.h"
#include "tests/engine/script.h"

int main(int argc, char** argv) {
  using namespace nebulet::test;
  if (argc < 2) {
    std::fprintf(stderr, "usage: engine_run SCRIPT.json …\n");
    return 2;
  }
  catch_faults();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  Counts total;
  for (int i = 1; i < argc; ++i) {
    const std::string path = argv[i];
    const std::vector<std::byte> bytes = read_file(path);
    const auto json = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!json) {
      std::fprintf(stderr, "engine_run: %s is not what wast2json writes\n", argv[i]);
      return 2;
    }
    const std::size_t slash = path.rfind('/');
    Script script(slash == std::string::npos ? "." : path.substr(0, slash));
    const Counts counts = script.run(*json);
    std::printf("%s: %u passed, %u failed, %u skipped\n", path.substr(slash + 1).c_str(), counts.passed,
                counts.failed, counts.skipped);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  std::printf("total: %u passed, %u failed, %u skipped\n", total.passed, total.failed, total.skipped);
  return total.failed ? 1 : 0;
}
