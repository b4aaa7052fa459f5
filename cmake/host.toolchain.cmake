# The host: clang-19, lld-19 and libc++-19, for the hosted kernel, the tools and the tests.
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_CXX_FLAGS_INIT "-stdlib=libc++ -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST -fno-omit-frame-pointer")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld-19 -stdlib=libc++")
set(NEBULET_TARGET host CACHE STRING "")
