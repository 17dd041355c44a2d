#include "real/faults.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "docker/json.hpp"
#include "faults/fault.hpp"
#include "ports/http.hpp"
#include "real/faults_clock.hpp"
#include "real/faults_disk.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

using faults::Fault;
using faults::Kind;

namespace {

constexpr std::string_view kPath = "/swarmpy/v1/faults";
constexpr std::int64_t kOne = 1'000'000'000;

FaultDesk::Answer refused(std::uint32_t status, const Error& error) {
  docker::Json json;
  json.object(
      [&] { json.field("message", error.hint.empty() ? error.message : error.message + ". " + error.hint); });
  return {status, json.take()};
}

bool is_of_links(Kind kind) {
  return kind == Kind::partition || kind == Kind::cut || kind == Kind::net || kind == Kind::hold;
}

// Other nodes are known by their addresses here: a rule with a name would match no link.
Result<void> addressed(const Fault& fault, const Address& own) {
  faults::Names names = fault.names("from");
  for (const auto& name : fault.names("to")) names.push_back(name);
  if (const auto* groups = fault.find<faults::Groups>("groups"))
    for (const faults::Names& group : *groups) names.insert(names.end(), group.begin(), group.end());
  if (const auto of = fault.text("of"); !of.empty()) names.push_back(of);
  for (const auto& name : names)
    if (name != "*" && !Address::parse(name))
      return Error{Code::invalid_argument, "a daemon knows other nodes by their addresses, not as " + name,
                   "Say it to the cluster: swarmpy fault."};
  if (const auto node = fault.text("node"); !node.empty() && node != own.host())
    return Error{Code::invalid_argument, "this daemon is " + own.host() + ", not " + node, ""};
  if (fault.at) return Error{Code::invalid_argument, "a daemon begins a fault at once: leave out at", ""};
  return {};
}

// What only a simulated disk can do, and what is done from outside.
Result<void> possible(const Fault& fault) {
  const auto no = [](const std::string& what, const char* hint) {
    return Result<void>(Error{Code::unimplemented, what, hint});
  };
  if (is_of_links(fault.kind) || fault.kind == Kind::clock || fault.kind == Kind::throttle ||
      fault.kind == Kind::image)
    return {};
  if (fault.kind != Kind::disk)
    return no("a daemon cannot do this to itself: " + std::string(word(fault.kind)),
              "It is done from outside: swarmpy fault.");
  if (fault.flag("old_copy"))
    return no("a daemon cannot put an older copy under itself: old_copy",
              "It is done from outside: swarmpy fault.");
  for (const char* key : {"lost_tail", "flip", "torn", "altered"})
    if (fault.arguments.contains(key))
      return no(std::string("a real disk is not changed behind a daemon's back: ") + key,
                "Simulate it: swarmpy.Swarm(mode=\"sim\").");
  const auto* errors = fault.find<faults::Errnos>("errors");
  if (errors != nullptr && errors->contains("read"))
    return no("a daemon reads its disk when it starts, and not later: errors of read",
              "Say errors of write or fsync, or simulate it: swarmpy.Swarm(mode=\"sim\").");
  return {};
}

}  // namespace

bool FaultDesk::is_for(const http::Request& request) {
  return request.target == kPath || request.target.starts_with(std::string(kPath) + "/");
}

FaultDesk::Answer FaultDesk::refusal(std::string sentence) {
  return refused(403, plain_error(Code::permission_denied, std::move(sentence)));
}

FaultDesk::Answer FaultDesk::answer(const http::Request& request) {
  const std::string rest = request.target.substr(kPath.size());
  if (rest.empty() && request.method == "GET") return {200, list()};
  if (rest == "/heal" && request.method == "POST") {
    heal();
    return {204, {}};
  }
  if (rest.empty() && request.method == "POST") {
    const auto fault = faults::from_json(request.body);
    if (!fault) return refused(400, fault.error());
    const auto id = begin(*fault);
    if (!id) return refused(id.error().code == Code::unimplemented ? 501 : 400, id.error());
    return {201, "{\"Id\":" + std::to_string(*id) + "}"};
  }
  const auto id = rest.empty() ? std::nullopt : parse_whole<std::uint64_t>(rest.substr(1));
  if (request.method == "DELETE" && id) {
    end(*id);
    return {204, {}};
  }
  return refused(404, plain_error(Code::not_found, "page not found"));
}

std::string FaultDesk::list() const {
  docker::Json json;
  json.array([&] {
    for (const auto& [id, active] : active_)
      json.object([&, number = id, &fault = active.fault] {
        json.field("Id", number);
        json.key("Fault");
        faults::write(json, fault);
      });
  });
  return json.take();
}

Result<std::uint64_t> FaultDesk::begin(const Fault& fault) {
  if (const auto can = possible(fault); !can) return can.error();
  if (const auto known = addressed(fault, own_); !known) return known.error();
  const std::uint64_t id = ++last_id_;
  Active& active = active_[id];
  active.fault = fault;
  if (fault.lasts) {
    active.ends = std::make_unique<Timer>(reactor_);
    active.ends->after(*fault.lasts, [this, id] { end(id); });
  }
  apply(fault.kind, fault.span("jump").value_or(Duration{}));
  return id;
}

void FaultDesk::end(std::uint64_t id) {
  const auto it = active_.find(id);
  if (it == active_.end()) return;
  const Active over = std::move(it->second);  // its timer may be what calls us
  active_.erase(it);
  apply(over.fault.kind);
}

void FaultDesk::heal() {
  while (!active_.empty()) end(active_.begin()->first);
}

namespace {

void add_to(DiskTrouble& disk, const Fault& fault) {
  disk.fsync_delay = fault.span("fsync_delay").value_or(disk.fsync_delay);
  disk.full |= fault.flag("full");
  const auto* errors = fault.find<faults::Errnos>("errors");
  if (errors == nullptr) return;
  disk.after = fault.number("after", 1);
  for (const auto& [operation, error] : *errors)
    (operation == "write" ? disk.write_error : disk.fsync_error) = error;
}

}  // namespace

// What all active faults of a kind say together; of values that exclude one another, the latest.
void FaultDesk::apply(Kind changed, Duration jump) {
  std::vector<Fault> links, images;
  DiskTrouble disk;
  Duration skew, jumped;
  std::int64_t rate = FaultyClock::kTrueRate;
  factor_ = kOne;
  for (const auto& [id, active] : active_) {
    const Fault& fault = active.fault;
    if (is_of_links(fault.kind)) links.push_back(fault);
    if (fault.kind == Kind::image) images.push_back(fault);
    if (const auto* factor = fault.find<faults::Factor>("factor")) factor_ = factor->billionths;
    if (fault.kind == Kind::clock) {
      skew = fault.span("skew").value_or(skew);
      jumped = jumped + fault.span("jump").value_or(Duration{});
      if (const auto* drift = fault.find<faults::Factor>("drift")) rate = drift->billionths;
    }
    if (fault.kind == Kind::disk) add_to(disk, fault);
  }
  if (is_of_links(changed)) parts_.links->set(own_, links);
  disk.pace = factor_;
  if (changed == Kind::disk || changed == Kind::throttle) parts_.disk->set(disk);
  if (changed == Kind::clock) parts_.clock->set(skew + jumped, rate, jump);
  if (changed == Kind::image) parts_.images(images);
  parts_.changed();
}

}  // namespace swarm::real
