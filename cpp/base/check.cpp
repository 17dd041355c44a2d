#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace swarm {
namespace {
CheckHandler g_handler = nullptr;
}

CheckHandler set_check_handler(CheckHandler handler) {
  CheckHandler before = g_handler;
  g_handler = handler;
  return before;
}

void check_failed(const char* file, int line, const char* condition, const std::string& values) {
  std::string sentence = std::string("check failed: ") + condition + ":" + values + " (" + file + ":" +
                         std::to_string(line) + ")";
  if (g_handler != nullptr) g_handler(sentence);
  std::fprintf(stderr, "%s\n", sentence.c_str());
  std::abort();
}

}  // namespace swarm
