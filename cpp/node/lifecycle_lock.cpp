// Autolock: a manager whose disk is locked waits for a client's key, and a manager's disk follows the key
// that its store has (swarmkit node/node.go, ca/keyreadwriter.go).
#include <string>
#include <utility>
#include <variant>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/errors.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/lifecycle.hpp"
#include "node/waits.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"

namespace swarm::node {
namespace {

const std::string kAnyClient;  // all that ask have the rights of this machine's administrator

Error wrong_key() {
  return plain_error(Code::unauthenticated, "swarm could not be unlocked: invalid key provided");
}

Error too_many_keys() {
  Error error = plain_error(Code::resource_exhausted, "too many wrong unlock keys were tried");
  error.hint = "wait a second, and give the key that docker swarm unlock-key shows on another manager";
  error.http_status = 429;
  return error;
}

}  // namespace

void Lifecycle::on_locked() {
  stage_ = stage::Locked{};
  error_ = docker::swarm_locked().message;
}

void Lifecycle::unlock(ports::ApiId id, const std::string& key, const Surroundings& at) {
  const auto* locked = std::get_if<stage::Locked>(&stage_);
  if (locked == nullptr) return done(id, plain_error(Code::already_exists, "swarm is not locked"));
  if (!locked->guard.may_try(kAnyClient, at.now)) return done(id, too_many_keys());
  out_.add(effect::Unlock{id, key});
}

void Lifecycle::on_wrong_key(ports::ApiId id, const Surroundings& at) {
  std::get<stage::Locked>(stage_).guard.failed(kAnyClient, at.now);
  done(id, wrong_key());
}

// With the right key the node went on as after any start; where that failed, a client may try again.
void Lifecycle::on_unlocked(ports::ApiId id, const Result<void>& started) {
  if (started && std::holds_alternative<stage::Locked>(stage_)) stage_ = stage::Outside{};  // it had left
  if (started) return done(id, docker::OperationResult{});
  sidelined_.reset();
  on_locked();
  error_ = "swarm component could not be started: " + started.error().message;
  done(id, plain_error(Code::internal, error_));
}

void Lifecycle::on_unlock_key(ports::DiskLock lock) {
  if (!identity_ || std::holds_alternative<stage::Leaving>(stage_) || lock.number <= lock_.number) return;
  lock_ = std::move(lock);
  store_certificates_and_lock();
}

// A worker's keys lie in the clear: it has no store that would say which key locks them.
void Lifecycle::open_own_lock() {
  if (lock_ == ports::DiskLock{}) return;
  lock_ = {};
  store_certificates_and_lock();
}

void Lifecycle::store_certificates_and_lock() {
  auto batch = save_certificates(own_identity());
  batch.lock = lock_;
  IdentityStored then{IdentityStored::Then::follow_lock};
  then.lock = lock_.number;
  out_.add(effect::Store{std::move(batch), then});
}

// What was on its way to the disk when it failed is not there: the lock of the store comes again.
void Lifecycle::on_disk_back() {
  sidelined_.reset();
  lock_.number = stored_lock_;
}

}  // namespace swarm::node
