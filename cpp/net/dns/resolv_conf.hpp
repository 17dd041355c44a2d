// resolv_conf: the host's resolv.conf in, the task's out, and which servers the forwarder asks.
//
// As moby does it (libnetwork/internal/resolvconf: Parse, TransformForIntNS, Generate;
// libnetwork/sandbox_dns_unix.go, rebuildDNS): what the service says about DNS takes the place of the host's
// words; then all servers are taken out, become the forwarder's, and 127.0.0.11 stands alone in the task's
// file, with "ndots:0" unless `ndots` is set already. The host's own servers are asked from the host's
// network, since one may be a loopback address there; the service's from the task's network.
//
// A server 127.0.0.11 of the host is kept, as in moby: there it is an outer Docker's, for a swarm in a
// container. Named by the service it would be the asking resolver itself, and is left out.
//
// NOT here: files; a new copy when the host's file changes: moby writes the task's once, too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"

namespace swarm::dns {

inline constexpr std::string_view kServerOfTasks = "127.0.0.11";
inline constexpr std::size_t kMostUpstreams = 3;  // maxExtDNS

struct Upstream {
  Address address;         // with the port, 53
  bool from_host = false;  // asked from the host's network, else from the task's
  bool operator==(const Upstream&) const = default;
};

struct ResolvConf {
  std::vector<Address> nameservers;
  std::vector<std::string> search;   // of the last `search` or `domain`
  std::vector<std::string> options;  // of all lines
  std::vector<std::string> other;    // lines that moby does not know, as they are
  std::vector<std::string> invalid;  // what stood for an address
};
ResolvConf parse_resolv_conf(std::string_view text);

// `docker service create --dns --dns-search --dns-option`: what is not empty replaces the host's.
struct DnsConfig {
  std::vector<Address> nameservers;
  std::vector<std::string> search;
  std::vector<std::string> options;
};

struct TaskResolver {
  std::string resolv_conf;  // the text of the task's file
  std::vector<Upstream> upstreams;
  bool ndots_set = false;  // by the host or the service: Names::ndots_set
};
// `path` is where the host's text was read; it is named in a comment.
TaskResolver task_resolver(const ResolvConf& host, const DnsConfig& own, std::string_view path);

// The servers that a task may ask: a task of internal networks only may ask none from the host's network.
std::vector<Upstream> allowed(std::vector<Upstream> upstreams, bool has_external_network);

}  // namespace swarm::dns
