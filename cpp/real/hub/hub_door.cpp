#include "real/hub/hub_door.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/hub/host_door.hpp"
#include "real/hub/hub.hpp"
#include "real/netlink/net_space.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/passed_fds.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kLargestRequest = 64 * 1024;
constexpr timeval kPatience{2, 0};

using Words = std::vector<std::string>;

Words words_of(const std::string& request) {
  std::istringstream in(request);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

HubAnswer answer_of(const Result<void>& outcome) {
  return {outcome ? "ok" : "error: " + outcome.error().message, {}, {}};
}
HubAnswer refusal(const std::string& sentence) { return {"error: " + sentence, {}, {}}; }

HubAnswer add(Hub& hub, const Words& words) {
  const auto address = Address::parse(words[2]);
  if (!address || !address->is_v4()) return refusal(words[2] + " is no IPv4 address");
  return answer_of(hub.add(words[1], *address));
}

HubAnswer enter(const Hub& hub, const OwnSpace& own, const std::string& name) {
  const netlink::NetSpace* space = hub.space_of(name);
  if (space == nullptr) return refusal("there is no node " + name);
  HubAnswer answer{"ok", {space->fd()}, {}};
  if (own.user.valid()) answer.descriptors.push_back(own.user.get());
  return answer;
}

std::optional<std::uint16_t> port_of(const std::string& text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

HubAnswer answer_with(Result<Fd> made) {
  if (!made) return refusal(made.error().message);
  HubAnswer answer{"ok", {made->get()}, {}};
  answer.made = std::move(*made);
  return answer;
}

HubAnswer listen(const Hub& hub, const Words& words) {
  const auto port = port_of(words[2]);
  return port ? answer_with(hub.listen(words[1], *port)) : refusal(words[2] + " is no port");
}

HubAnswer publish(const Hub& hub, OwnSpace& own, const Words& words) {
  const auto node = Address::parse(words[1]);
  const auto port = port_of(words[2]);
  if (!own.host) return refusal("the host reaches the nodes at their own addresses");
  if (!node || !node->is_v4() || !port) return refusal(words[1] + " " + words[2] + " is no address and port");
  return answer_with(own.host->listen(hub.host_side_of(*node, *port)));
}

}  // namespace

HubAnswer answer_request(Hub& hub, OwnSpace& own, const std::string& request) {
  const Words words = words_of(request);
  const std::string verb = words.empty() ? "" : words[0];
  if (verb == "add" && words.size() == 3) return add(hub, words);
  if (verb == "enter" && words.size() == 2) return enter(hub, own, words[1]);
  if (verb == "listen" && words.size() == 3) return listen(hub, words);
  if (verb == "publish" && words.size() == 3) return publish(hub, own, words);
  if (verb == "link" && words.size() == 3 && (words[2] == "up" || words[2] == "down"))
    return answer_of(hub.set_link(words[1], words[2] == "up"));
  if (verb == "deafen" && words.size() >= 2)
    return answer_of(hub.deafen(words[1], Hub::Names(words.begin() + 2, words.end())));
  return refusal("\"" + request + "\" is no request to a hub");
}

Result<HubDoor> HubDoor::open(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return plain_error(Code::invalid_argument, "the path of the hub's socket is too long: " + path);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::fchmod(fd.get(), 0600);  // what the socket's file gets, at no moment more (adr 34)
  ::unlink(path.c_str());
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0)
    return plain_error(Code::unavailable, "cannot listen at " + path + ": " + std::strerror(errno));
  return HubDoor(std::move(fd));
}

void HubDoor::serve(Hub& hub, OwnSpace& own) {
  const Fd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client.valid()) return;
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const auto request = receive_with_fds(client.get(), kLargestRequest);
  if (!request) return;
  const HubAnswer answer = answer_request(hub, own, request->text);
  (void)send_with_fds(client.get(), answer.text, answer.descriptors);
}

}  // namespace swarm::real
