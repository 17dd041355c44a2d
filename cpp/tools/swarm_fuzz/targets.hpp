// Targets: every place where bytes of strangers, of peers or of a disk are read. Each takes any bytes; what
// it must not do with them (a crash, a failed SWARM_CHECK, a value that does not come back) ends the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swarm::fuzz {

struct Target {
  const char* name;
  const char* reads;  // what, for people
  void (*run)(std::string_view input);
  std::vector<std::string> (*seeds)();  // good inputs, which a fuzzer begins from
};

const std::vector<Target>& targets();
// Null if there is none of that name.
const Target* target_named(std::string_view name);

// The rooms' own; the list of all is in targets.cpp.
extern const Target kFrame, kRecord, kSnapshot, kHttp, kSpec, kFilters, kRaft, kDatadriven, kToken, kTemplate,
    kKeys, kDns;

}  // namespace swarm::fuzz
