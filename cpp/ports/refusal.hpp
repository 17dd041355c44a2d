// How the reason of a closed link says that a certificate was refused (ports::LinkClosed), in both worlds:
//
//   the peer's certificate WHAT            this end refused it (ca/policy sentence_of)
//   refused: the peer's certificate WHAT   the other end refused this one's, and said so
//
// A link from outside that was refused never opened, and the node knows nothing of it: "HOST: " goes before.
#pragma once

#include <optional>
#include <string_view>

namespace swarm::ports {

struct Refusal {
  std::string_view host;  // of a link from outside; else empty
  bool by_peer = false;
  std::string_view what;  // "is of another root"
};

// Nothing when the link was closed for another reason.
inline std::optional<Refusal> refusal_in(std::string_view reason) {
  constexpr std::string_view kCertificate = "the peer's certificate ", kRefused = "refused: ", kColon = ": ";
  const std::size_t at = reason.find(kCertificate);
  if (at == std::string_view::npos) return std::nullopt;
  Refusal out{reason.substr(0, at), false, reason.substr(at + kCertificate.size())};
  out.by_peer = out.host.ends_with(kRefused);
  if (out.by_peer) out.host.remove_suffix(kRefused.size());
  if (out.host.ends_with(kColon)) out.host.remove_suffix(kColon.size());
  return out.host.find(' ') == std::string_view::npos ? std::optional(out) : std::nullopt;
}

}  // namespace swarm::ports
