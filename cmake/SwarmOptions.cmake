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
set(SWARM_SANITIZE "" CACHE STRING
  "Sanitizers to build with: 'address', 'undefined', or several with commas between them")
option(SWARM_FUZZ "Count the paths through the code, for libFuzzer; clang only" OFF)
if(SWARM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

option(SWARM_TEETH "Compile in the mistakes that the simulator must find (base/mistake.hpp); for make teeth alone" OFF)
if(SWARM_TEETH)
  add_compile_definitions(SWARM_TEETH)
endif()

# With sanitizers, and no word on speed: fast enough for the tests, with line numbers in what they report.
if(SWARM_SANITIZE AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
endif()

# The interpreter of make's virtual environment, unless another one is asked for.
set(venv_python ${PROJECT_SOURCE_DIR}/.venv/bin/python)
if(SWARM_BUILD_PYTHON AND NOT Python_EXECUTABLE AND NOT pybind11_DIR AND EXISTS ${venv_python})
  set(Python_EXECUTABLE ${venv_python})
  execute_process(COMMAND ${venv_python} -m pybind11 --cmakedir OUTPUT_VARIABLE pybind11_DIR
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(swarm_warnings INTERFACE)
target_compile_options(swarm_warnings INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Wswitch-enum -Werror -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ calls a function that it deprecates itself, in std::stable_sort.
  target_compile_options(swarm_warnings INTERFACE -Wno-deprecated-declarations)
endif()
target_compile_definitions(swarm_warnings INTERFACE _GLIBCXX_ASSERTIONS)
if(SWARM_SANITIZE)
  # What is found ends the program: a test that goes on would pass.
  add_compile_options(-fsanitize=${SWARM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  if(SWARM_SANITIZE MATCHES "unsigned-integer-overflow")  # clang only
    add_compile_options(-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/cmake/meant_wraps.txt)
  endif()
  add_link_options(-fsanitize=${SWARM_SANITIZE})
endif()
