#include "ports/runtimes.hpp"

#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/service_spec.hpp"

namespace swarm::ports {

std::string runtime_of(const model::TaskSpec& spec) {
  return spec.runtime.empty() ? kContainerRuntime : spec.runtime;
}

Error no_executor(const std::string& runtime, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return plain_error(Code::unimplemented, "this node has no executor for tasks of runtime \"" + runtime +
                                              "\"; its executors are: " + (list.empty() ? "none" : list) +
                                              ". Constrain the service to nodes that have one");
}

}  // namespace swarm::ports
