# The three functions that every folder's CMakeLists.txt uses, and the flags that all code shares.
#   nebulet_library(NAME SOURCES … DEPENDS …)   a static library
#   nebulet_program(NAME SOURCES … DEPENDS …)   an executable of the host
#   nebulet_test(NAME SOURCES … DEPENDS … [LABELS …])  a GoogleTest program of the host, registered with CTest; the target
#                                               LABEL_tests builds all of a label

if(NOT DEFINED NEBULET_TARGET)
  message(FATAL_ERROR "configure with a preset (cmake --list-presets): NEBULET_TARGET is not set")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)
set(CMAKE_C_STANDARD 17)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(nebulet_flags INTERFACE)
target_include_directories(nebulet_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(nebulet_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>
  $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wshadow -Wthread-safety -Wno-unused-parameter -Wno-missing-designated-field-initializers -fno-strict-aliasing>)
if(NEBULET_WERROR)
  target_compile_options(nebulet_flags INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Werror>)
endif()

function(nebulet_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC nebulet_flags ${ARG_DEPENDS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE nebulet_flags ${ARG_DEPENDS})
  endif()
endfunction()

function(nebulet_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE nebulet_flags ${ARG_DEPENDS})
endfunction()

# Debian's prebuilt GoogleTest has libstdc++'s ABI, so its sources are built here with libc++.
function(nebulet_test name)
  if(NOT NEBULET_TARGET STREQUAL "host")
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT TARGET gtest_main)
    set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
    set(BUILD_GMOCK OFF CACHE BOOL "" FORCE)
    add_subdirectory(/usr/src/googletest ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE nebulet_flags ${ARG_DEPENDS} gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  foreach(label ${ARG_LABELS})
    set_property(TEST ${name} APPEND PROPERTY LABELS ${label})
    if(NOT TARGET ${label}_tests)
      add_custom_target(${label}_tests)
    endif()
    add_dependencies(${label}_tests ${name})
  endforeach()
endfunction()
