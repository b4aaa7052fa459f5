// SPDX-License-Identifier: MIT
// The program behind ./nebulet: does what the command line asks for.
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/nebulet/cli.h"
#include "tools/nebulet/compile.h"
#include "tools/nebulet/completion.h"
#include "tools/nebulet/files.h"
#include "tools/nebulet/image.h"
#include "tools/nebulet/inspect.h"
#include "tools/nebulet/run.h"

namespace nebulet::tool {
namespace {

/// Verbs that scripts of the checkout do; ./nebulet finds them before it comes here.
Result<int> call_checkout(const std::vector<std::string>& words) {
  const Installation installation = TRY(Installation::locate());
  const std::string launcher = installation.root + "/nebulet";
  std::vector<char*> argv = {const_cast<char*>(launcher.c_str())};
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execv(launcher.c_str(), argv.data());
  return fail("cannot start {}: {}", launcher, std::strerror(errno));
}

Result<int> execute(const Request& request) {
  switch (request.verb) {
    case Verb::none: break;
    case Verb::run: return run(request.run);
    case Verb::compile: TRY(compile_file(request.compile)); break;
    case Verb::build: TRY(build_image(request.build)); break;
    case Verb::inspect: TRY(inspect(request.inspect)); break;
    case Verb::completion: std::fputs(completion_script(request.shell).c_str(), stdout); break;
    case Verb::checkout: return call_checkout(request.words);
  }
  return 0;
}

Result<int> main_with(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  return execute(TRY(parse_command_line(words)));
}

}  // namespace
}  // namespace nebulet::tool

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto code = nebulet::tool::main_with(argc, argv);
  return code ? *code : nebulet::tool::report(code.error());
}
