// Names: what one asking task sees, as a value: its networks in order, each a table that other tasks of the
// node may share. A question about a name or an address is answered here; nothing is known of packets.
//
// A name is looked for as moby does it (libnetwork/sandbox.go, ResolveName): "a.b.c" first on every network
// in order, then "a.b" on the network "c", then "a" on the network "b.c". The first network that knows the
// name answers alone. The caller gives Docker's order: overlays, then local networks (ByNetworkType); the
// ingress network has no names at all (addSvcRecords) and no table here.
//
// One difference: networks' names compare without case, too, since resolvers may change the case of a
// question at will. NOT here: the tables themselves (network_names.hpp).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/dns/address_bag.hpp"
#include "net/dns/network_names.hpp"

namespace swarm::dns {

struct Names {
  std::vector<std::shared_ptr<const NetworkNames>> networks;
  // False if no server may be asked for other names: all networks of the task are internal, and its service
  // names no server of its own (libnetwork/sandbox.go, hasExternalAccess).
  bool may_forward = true;
  // The host or the service set `ndots` (resolv_conf.hpp). A name of one label that is unknown then gets an
  // empty answer, and the client tries again with its search domains (libnetwork/resolver.go, serveDNS).
  bool ndots_set = false;
};

// Null if none of the task's networks knows the name. `name` is in lower case, without a dot at its end.
const AddressBag* find(const Names& names, std::string_view name);

// "web.1.TASKID.NETWORK" of the first network where a task has this address; "" without one.
std::string name_of(const Names& names, const Ip& ip);

// The address that a reverse name asks about: "4.3.2.1.in-addr.arpa" (RFC 1035 section 3.5), 32 nibbles and
// "ip6.arpa" (RFC 3596 section 2.5). In lower case. Nothing for other names, and for an address of another
// spelling ("04.3.2.1"), which Docker's table does not find either.
std::optional<Ip> reverse_address(std::string_view name);

}  // namespace swarm::dns
