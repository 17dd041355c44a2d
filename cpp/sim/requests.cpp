#include "sim/requests.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "sim/load_options.hpp"
#include "sim/machine_index.hpp"

namespace swarm::sim {
namespace {

// What the page says of itself: "slot: 3" is a line of it.
std::string said(const std::string& page, const std::string& what) {
  const std::string key = "\n" + what + ": ";
  const auto at = page.find(key);
  if (at == std::string::npos) return {};
  const auto begin = at + key.size();
  return page.substr(begin, page.find('\n', begin) - begin);
}

std::string task_of(const std::string& page, const std::string& node) {
  const std::string service = said(page, "service"), slot = said(page, "slot");
  if (service.empty() || slot.empty()) return {};
  const bool numbered = std::all_of(slot.begin(), slot.end(), [](char c) { return c >= '0' && c <= '9'; });
  return service + "." + (numbered ? slot : node);
}

}  // namespace

void RequestLog::began(std::uint64_t id, Instant at, MachineIndex machine, std::uint32_t port, LoadId load) {
  RequestDone request;
  request.sent = at;
  request.machine = machine;
  request.port = port;
  request.load = load;
  open_[id] = std::move(request);
}

bool RequestLog::ended(std::uint64_t id, Instant at, std::uint32_t status, const std::string& body,
                       const std::string& error) {
  const auto found = open_.find(id);
  if (found == open_.end()) return false;
  RequestDone request = std::move(found->second);
  open_.erase(found);
  const std::string page = "\n" + body;
  request.ended = at;
  request.status = status;
  request.node = said(page, "node");
  request.task = task_of(page, request.node);
  request.error = error;
  if (request.status >= 400) request.error = "HTTP status " + std::to_string(status);
  failed_ += request.ok() ? 0 : 1;
  const bool loads = request.load != 0;
  done_.push_back(std::move(request));
  return loads;
}

void RequestLog::give_up(Instant before, Instant now) {
  std::vector<std::uint64_t> late;
  for (const auto& [id, request] : open_)
    if (request.load != 0 && request.sent <= before) late.push_back(id);
  for (const auto id : late) ended(id, now, 0, {}, "timed out");
}

std::size_t RequestLog::open(LoadId load) const {
  return static_cast<std::size_t>(std::count_if(
      open_.begin(), open_.end(), [&](const auto& entry) { return entry.second.load == load; }));
}

}  // namespace swarm::sim
