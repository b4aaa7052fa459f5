# Ring 0: x86-64 with libc++'s headers (base/libcxx configures them), musl's C headers, and no library. Not -ffreestanding: it
# would turn every small memcpy into a call; base/libcxx/support.cpp defines the functions that the compiler may call.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_AR llvm-ar-19)
set(CMAKE_RANLIB llvm-ranlib-19)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
get_filename_component(_root ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
set(_flags "--target=x86_64-unknown-none-elf -mno-red-zone -mcmodel=kernel -fno-pic -fno-stack-protector \
-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -nostdlibinc -ffile-prefix-map=${_root}/=")
set(CMAKE_C_FLAGS_INIT "${_flags} -isystem /usr/include/x86_64-linux-musl")
set(CMAKE_CXX_FLAGS_INIT "${_flags} -fno-threadsafe-statics -D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST -nostdinc++ \
-isystem ${_root}/base/libcxx -isystem /usr/lib/llvm-19/include/wasm32-wasi/c++/v1 -isystem /usr/include/x86_64-linux-musl -idirafter /usr/include")
set(CMAKE_ASM_FLAGS_INIT "--target=x86_64-unknown-none-elf")
set(CMAKE_C_LINK_EXECUTABLE "ld.lld-19 <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
set(CMAKE_CXX_LINK_EXECUTABLE "ld.lld-19 <LINK_FLAGS> <OBJECTS> -o <TARGET> <LINK_LIBRARIES>")
set(NEBULET_TARGET kernel CACHE STRING "")
