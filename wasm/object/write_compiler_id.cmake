# Writes OUTPUT: the SHA-256 of the compiler's sources (FILES, separated by ;), so that a code file of another compiler is told apart.
set(all "")
foreach(file ${FILES})
  file(SHA256 ${file} digest)
  string(APPEND all ${digest})
endforeach()
string(SHA256 id "${all}")
string(REGEX REPLACE "(..)" "0x\\1, " bytes ${id})
file(WRITE ${OUTPUT}.new "// Generated from the compiler's sources.
#pragma once
namespace nebulet::wasm {
inline constexpr unsigned char kCompilerId[32] = {${bytes}};
}
")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
