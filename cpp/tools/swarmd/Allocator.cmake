# The allocator of swarmd (docs/adr/0027): the C library's, which main.cpp sets to keep its heap, or jemalloc. The daemon
# alone: the Python extension lives in a process whose allocator is the interpreter's business, and sanitizers bring one of
# their own.
set(SWARM_ALLOCATOR system CACHE STRING "malloc of swarmd: system, or jemalloc (Debian: libjemalloc-dev)")
set_property(CACHE SWARM_ALLOCATOR PROPERTY STRINGS system jemalloc)
if(SWARM_ALLOCATOR STREQUAL "jemalloc" AND NOT SWARM_SANITIZE)
  # Static, so that a wheel carries it; whole, so that this malloc is found before the C library's.
  find_library(SWARM_STATIC_jemalloc libjemalloc_pic.a)
  if(NOT SWARM_STATIC_jemalloc)
    message(FATAL_ERROR "SWARM_ALLOCATOR is jemalloc, but libjemalloc_pic.a is not found: install libjemalloc-dev, or choose system")
  endif()
  find_package(Threads REQUIRED)
  target_link_libraries(swarmd PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,${SWARM_STATIC_jemalloc}>" Threads::Threads m)
elseif(NOT SWARM_ALLOCATOR MATCHES "^(system|jemalloc)$")
  message(FATAL_ERROR "SWARM_ALLOCATOR is '${SWARM_ALLOCATOR}': choose system or jemalloc")
endif()
