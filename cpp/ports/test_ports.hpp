// For tests of several rooms: ports that do nothing, or only what can be foretold.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "ports/ports.hpp"

namespace swarm::ports {

// Secrets and digests that are only numbers.
class TestCrypto : public Crypto {
 public:
  std::string random_bytes(std::size_t count) override {
    return std::string(count, static_cast<char>(++drawn_));
  }
  std::string sha256(std::string_view bytes) override {
    std::string out;
    for (std::uint64_t i = 0; i < 4; ++i) put_u64(out, fnv1a(bytes, i + 1));
    return out;
  }
  KeyPair make_root_ca(WallTime) override { return root; }
  Result<KeyPair> read_root(std::string_view cert_pem, std::string_view key_pem, WallTime) override {
    if (cert_pem == "BAD") return rpc_error(Code::invalid_argument, "no root");
    return KeyPair{std::string(cert_pem), std::string(key_pem)};
  }
  Result<std::string> cross_sign(const KeyPair& by, std::string_view other_root_pem) override {
    return by.cert_pem + " signed " + std::string(other_root_pem);
  }
  Issuer issuer_of(std::string_view) override { return {"subject", "key"}; }
  OwnRequest make_request() override { return {"NODE KEY", "REQUEST"}; }
  Result<std::string> issue(const KeyPair&, std::string_view, const model::Certificate& says) override {
    if (refuses) return rpc_error(Code::invalid_argument, "refused");
    issued = says;
    return std::string("NODE CERT");
  }
  std::optional<model::Certificate> read_certificate(std::string_view pem) override {
    return pem == "NODE CERT" ? issued : std::nullopt;
  }
  std::string root_id(std::string_view root_pem) override { return std::string(root_pem); }

  KeyPair root{"CERT", "KEY"};
  std::optional<model::Certificate> issued;  // the last one
  bool refuses = false;

 private:
  int drawn_ = 0;
};

// Runs nothing, and answers nothing.
class IdleRunner : public Runner {
 public:
  void prepare(const Launch&) override {}
  void start(TaskId) override {}
  void stop(TaskId, Duration, int) override {}
  void signal(TaskId, int) override {}
  void remove(TaskId) override {}
  std::optional<Usage> usage(TaskId) override { return {}; }
  LogStreamId open_logs(TaskId, const wire::LogOptions&) override { return 1; }
  void close_logs(LogStreamId) override {}
  std::vector<Image> images() override { return {}; }
  Result<void> add_image(const Image&) override { return {}; }
  std::vector<std::string> warnings(const model::ServiceSpec&, const model::ServiceSpec*) override {
    return {};
  }
};

}  // namespace swarm::ports
