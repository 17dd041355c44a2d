#include "model/network.hpp"

#include <string>

#include "model/annotations.hpp"

namespace swarm::model {

Labels Network::shown_options() const {
  Labels shown = options;
  if (allocated.empty()) return shown;
  std::string& numbers = shown[kVniOption];
  numbers.clear();
  for (const IpamConfig& subnet : allocated)
    numbers += (numbers.empty() ? "" : ",") + std::to_string(subnet.vni);
  return shown;
}

}  // namespace swarm::model
