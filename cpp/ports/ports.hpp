// All that a node needs of its world. Implemented twice: real/ and sim/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/certificate.hpp"
#include "ports/disk.hpp"
#include "ports/http.hpp"
#include "ports/mesh.hpp"
#include "ports/overlay.hpp"
#include "ports/runner.hpp"
#include "ports/transport.hpp"

namespace swarm::ports {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
  virtual WallTime wall() = 0;
};

// Keys, certificates and secrets. Never seeded by the engine's Rng in the real world.
class Crypto {
 public:
  virtual ~Crypto() = default;
  virtual std::string random_bytes(std::size_t count) = 0;
  virtual std::string sha256(std::string_view bytes) = 0;  // 32 raw bytes
  // A self-signed P-256 root, CN swarm-ca, 20 years: certificate and key in PEM.
  struct KeyPair {
    std::string cert_pem, key_pem;
  };
  virtual KeyPair make_root_ca(WallTime now) = 0;
  // A root that a user gives, with its key, in the form in which a swarm keeps them; an error in a sentence
  // when it cannot be a swarm's root at `now`.
  virtual Result<KeyPair> read_root(std::string_view cert_pem, std::string_view key_pem, WallTime now) = 0;
  // A certificate of the key and the names of another root, signed by `root`: it lets nodes that believe
  // `root` believe certificates of the other one. An error in a sentence when they would not, because of
  // `root`.
  virtual Result<std::string> cross_sign(const KeyPair& root, std::string_view other_root_pem) = 0;
  // What Docker's TLSInfo shows of a root certificate: DER of its subject and of its public key.
  struct Issuer {
    std::string subject_der, public_key_der;
  };
  virtual Issuer issuer_of(std::string_view cert_pem) = 0;
  // A new P-256 key of a node's own, and a request (PKCS #10) for a certificate of it; both in PEM.
  struct OwnRequest {
    std::string key_pem, request_pem;
  };
  virtual OwnRequest make_request() = 0;
  // Signs for the key of the request what `says` says, and nothing that the request says. An error when the
  // request cannot be read, or proves no key.
  virtual Result<std::string> issue(const KeyPair& root, std::string_view request_pem,
                                    const model::Certificate& says) = 0;
  // What a node's certificate says, believed or not; nothing when it is none. A cross-signed certificate may
  // follow it.
  virtual std::optional<model::Certificate> read_certificate(std::string_view cert_pem) = 0;
  // The name by which certificates name this root, or the one whose key was cross-signed
  // (model::Certificate::issuer); "" when it is neither.
  virtual std::string root_id(std::string_view root_pem) = 0;
};

// Answers of the front door. One begin, any number of pieces, one end per request; or `cut` after the begin:
// more should have come, and the client must not take what it has for the whole.
using ApiId = std::uint64_t;
class ApiSink {
 public:
  virtual ~ApiSink() = default;
  virtual void begin(ApiId id, http::ResponseHead head) = 0;
  virtual void piece(ApiId id, std::string bytes) = 0;
  virtual void end(ApiId id) = 0;
  virtual void cut(ApiId id) = 0;
};

// Structured facts out: what happened, in words a person can read. Recorded and hashed in the simulator.
class Trace {
 public:
  virtual ~Trace() = default;
  virtual bool enabled() const = 0;
  // `kind`: "raft.leader", "task.state", "link.closed"...; `text`: "key=value key=value".
  virtual void record(std::string_view kind, std::string text) = 0;
};

struct Ports {
  Clock& clock;
  Transport& transport;
  Disk& disk;
  Runner& runner;
  Mesh& mesh;
  Overlay& overlay;
  Crypto& crypto;
  ApiSink& api;
  Trace& trace;
};

// ---- what comes back

struct LinkOpened {
  LinkId link = 0;
  model::Principal peer;
  Address remote;
  bool inbound = false;
};
struct LinkClosed {
  LinkId link = 0;
  std::string reason;
};
struct FrameArrived {
  LinkId link = 0;
  Frame frame;
};
struct DiskDone {
  std::uint64_t token = 0;
};
// Of a manager's batch: it is not on the disk, or not for sure.
struct DiskFailed {
  std::uint64_t token = 0;
  std::string why;
};
struct DiskReopened {
  std::string why;  // it still fails; "": its manager families may be read, unless they are damaged
};
struct DiskWaits {
  std::string why;  // the node's own batches wait; "": all of them are written
};
struct TaskPrepared {
  TaskId task;
  std::string error;  // empty: prepared. "No such image: x:y"
};
struct TaskStarted {
  TaskId task;
  std::string error;  // empty: it runs
  std::string container_id;
  std::int64_t pid = 0;
  std::string address;  // where it listens
};
struct TaskExited {
  TaskId task;
  std::int64_t exit_code = 0;  // 128 + n for signal n, as shells and Docker say it
  std::string error;
};
// Of a task that left no output here, or whose node has lost it.
inline constexpr const char* kNoOutput = "its output is not on its node (any more)";
struct TaskLog {
  LogStreamId stream = 0;
  std::vector<wire::LogLine> lines;
  bool end = false;
  std::string error;  // why not all that is kept could be had; "" when it could
};
struct ApiArrived {
  ApiId id = 0;
  http::Request request;
};
struct ApiAborted {  // the client is gone
  ApiId id = 0;
};

// What keeps the packet path from serving, in whole sentences; all of it, each time that it changes.
struct MeshProblems {
  std::vector<std::string> sentences;
};

// A change of overlay networks is carried out (ports/overlay.hpp).
struct OverlayChanged {
  std::uint64_t number = 0;
};
// What keeps overlay networks from being as they should, in whole sentences; all of it, when it changes.
struct OverlayProblems {
  std::vector<std::string> sentences;
};

using Event = std::variant<LinkOpened, LinkClosed, FrameArrived, DiskDone, DiskFailed, DiskReopened,
                           DiskWaits, TaskPrepared, TaskStarted, TaskExited, TaskLog, ApiArrived, ApiAborted,
                           MeshProblems, OverlayChanged, OverlayProblems>;

}  // namespace swarm::ports
