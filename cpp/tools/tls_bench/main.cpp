// tls_bench: what TLS between nodes costs, in one thread, beside OpenSSL by itself in the same run. One JSON
// object: milliseconds of CPU for a handshake at the server's end (full and resumed, ours and OpenSSL's),
// microseconds for a frame of 1,000 bytes and for a piece of 64 KiB (written and read; on a plain socket,
// too, and by OpenSSL without a socket), and bytes of memory for a link.
#include <malloc.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "model/node.hpp"
#include "openssl_alone.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/plain_stream.hpp"
#include "real/stream/sockets.hpp"
#include "real/tls/openssl_crypto.hpp"
#include "real/tls/tls_context.hpp"
#include "real/tls/tls_stream.hpp"

namespace swarm::bench {
namespace {

using real::Side;
using real::TlsContext;
using real::TlsStream;

constexpr int kHandshakes = 300;  // `tls_bench 1`: one, to look at the rest
constexpr int kFrames = 20'000;
constexpr int kPieces = 2'000;
constexpr std::size_t kPiece = 64 * 1024, kRead = 256 * 1024;  // what the mesh writes and reads at once
constexpr std::size_t kLinks = 500;

class Nodes {
 public:
  ports::Credentials credentials(std::uint64_t id, model::NodeRole role) {
    const auto own = crypto_.make_request();
    const auto says =
        ca::to_issue(NodeId(id), role, ClusterId(5), Duration::seconds(90LL * 24 * 3600), real::wall_now());
    return {*crypto_.issue(root_, own.request_pem, says), own.key_pem, root_.cert_pem, "a key"};
  }

 private:
  real::OpensslCrypto crypto_;
  ports::Crypto::KeyPair root_ = crypto_.make_root_ca(real::wall_now());
};

std::shared_ptr<TlsContext> context_of(const ports::Credentials& own) {
  return *TlsContext::make(own, TlsContext::Use::management, real::wall_now);
}

struct Ends {
  std::unique_ptr<TlsStream> client, server;
};

std::pair<real::Fd, real::Fd> connected(int listener) {
  real::Dialled dialled = real::dial(real::own_address(listener), {});
  real::Accepted accepted;
  while (!accepted.fd.valid()) accepted = real::accept_from(listener);
  return {std::move(dialled.fd), std::move(accepted.fd)};
}

// A connection, and the seconds of CPU that its handshake took at the server's end.
double shake(Ends& ends, int listener, const std::shared_ptr<TlsContext>& client,
             const std::shared_ptr<TlsContext>& server) {
  auto [dialled, accepted] = connected(listener);
  ends.client = std::make_unique<TlsStream>(std::move(dialled), Side::dialled, client);
  double spent = 0;
  const auto at_server = [&](auto act) {
    const double begun = cpu_seconds();
    act();
    spent += cpu_seconds() - begun;
  };
  at_server([&] { ends.server = std::make_unique<TlsStream>(std::move(accepted), Side::accepted, server); });
  bool done = false;
  while (!done) {
    ends.client->note({true, true, false});
    const bool first = ends.client->shake().io == real::Io::moved;
    at_server([&] {
      ends.server->note({true, true, false});
      done = ends.server->shake().io == real::Io::moved && first;
    });
  }
  char byte = 0;
  ends.server->write("x");  // and with it the ticket is read
  ends.client->note({true, true, false});
  while (ends.client->read(&byte, 1).io != real::Io::moved) ends.client->note({true, true, false});
  return spent;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Seconds for `size` bytes: written at one end, read at the other.
template <class Stream>
double seconds_for(Stream& from, Stream& to, std::size_t size, std::size_t most_read, int times) {
  const std::string sent(size, 'x');
  const std::unique_ptr<char[]> bytes(new char[most_read]);
  std::vector<double> rounds;
  for (int round = 0; round < 5; ++round) {
    const double begun = cpu_seconds();
    for (int i = 0; i < times; ++i) {
      std::size_t went = 0, came = 0;
      while (came < size) {
        from.note({false, true, false});
        if (went < size || from.holds_back())
          went += static_cast<real::ByteStream&>(from).write(std::string_view(sent).substr(went)).bytes;
        to.note({true, false, false});
        came += to.read(bytes.get(), most_read).bytes;
      }
    }
    rounds.push_back((cpu_seconds() - begun) / times);
  }
  return median(rounds);
}

template <class Stream>
double frame_seconds(Stream& from, Stream& to) {
  return seconds_for(from, to, 1'000, 16UL * 1024, kFrames);
}
template <class Stream>
double piece_seconds(Stream& from, Stream& to) {
  return seconds_for(from, to, kPiece, kRead, kPieces);
}

double memory_of_a_link(int listener, const std::shared_ptr<TlsContext>& client,
                        const std::shared_ptr<TlsContext>& server) {
  std::vector<Ends> links(kLinks);
  const auto before = ::mallinfo2().uordblks;
  for (Ends& ends : links) shake(ends, listener, client, server);
  const auto both = ::mallinfo2().uordblks;
  for (Ends& ends : links) ends.client.reset();
  const auto clients = both - ::mallinfo2().uordblks;
  return static_cast<double>(both - before - clients) / static_cast<double>(kLinks);
}

int run(int handshakes) {
  Nodes nodes;
  const auto client_own = nodes.credentials(2, model::NodeRole::worker);
  const auto server_own = nodes.credentials(1, model::NodeRole::manager);
  const auto client = context_of(client_own), server = context_of(server_own);
  const real::Fd listener = real::listen_on(Address::v4(127, 0, 0, 1, 0));
  OpensslAlone alone(client_own, server_own);
  std::vector<double> full, resumed, alone_full, alone_resumed;
  for (int i = 0; i < handshakes; ++i) {
    Ends ends;
    full.push_back(shake(ends, listener.get(), context_of(client_own), server));
    SWARM_CHECK(!ends.server->resumed(), "resumed without a ticket");
    alone_full.push_back(alone.shake(false));
    shake(ends, listener.get(), client, server);
    ends = {};
    resumed.push_back(shake(ends, listener.get(), client, server));
    SWARM_CHECK(ends.server->resumed(), "not resumed");
    alone_resumed.push_back(alone.shake(true));
    SWARM_CHECK(alone.was_resumed(), "OpenSSL did not resume");
  }
  Ends ends;
  shake(ends, listener.get(), client, server);
  const double secret = frame_seconds(*ends.server, *ends.client);
  const double secret_piece = piece_seconds(*ends.server, *ends.client);
  auto [one, other] = connected(listener.get());
  real::PlainStream from(std::move(one)), to(std::move(other));
  const double plain = frame_seconds(from, to);
  std::printf(
      "{\"full_ms\": %.3f, \"openssl_full_ms\": %.3f, \"resumed_ms\": %.3f, \"openssl_resumed_ms\": %.3f, "
      "\"frame_us\": %.2f, \"plain_frame_us\": %.2f, \"openssl_frame_us\": %.2f, \"piece_us\": %.1f, "
      "\"plain_piece_us\": %.1f, \"openssl_piece_us\": %.1f, \"link_bytes\": %.0f}\n",
      median(full) * 1e3, median(alone_full) * 1e3, median(resumed) * 1e3, median(alone_resumed) * 1e3,
      secret * 1e6, plain * 1e6, alone.carry_seconds(1'000, kFrames) * 1e6, secret_piece * 1e6,
      piece_seconds(from, to) * 1e6, alone.carry_seconds(kPiece, kPieces) * 1e6,
      memory_of_a_link(listener.get(), client, server));
  return 0;
}

}  // namespace
}  // namespace swarm::bench

int main(int argc, char** argv) {
  return swarm::bench::run(argc > 1 ? std::atoi(argv[1]) : swarm::bench::kHandshakes);
}
