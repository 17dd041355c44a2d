# Language level, warnings and the compiler cache: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

option(SWARM_BUILD_TESTS "Build the GoogleTest unit tests" ON)
option(SWARM_BUILD_REAL "Build the real world: swarmd (needs RocksDB, OpenSSL, Boost)" ON)
option(SWARM_BUILD_PYTHON "Build the pybind11 module _core" ON)
set(SWARM_SANITIZE "" CACHE STRING "Sanitizers to build with, for example 'address' or 'undefined'")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(swarm_warnings INTERFACE)
target_compile_options(swarm_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ calls a function that it deprecates itself, in std::stable_sort.
  target_compile_options(swarm_warnings INTERFACE -Wno-deprecated-declarations)
endif()
target_compile_definitions(swarm_warnings INTERFACE _GLIBCXX_ASSERTIONS)
if(SWARM_SANITIZE)
  add_compile_options(-fsanitize=${SWARM_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SWARM_SANITIZE})
endif()
