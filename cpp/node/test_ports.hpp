// A world in which nothing happens by itself, for the unit tests of parts that act on their ports: what they
// did is written down.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/core.hpp"
#include "node/test_disk.hpp"
#include "node/test_effects.hpp"
#include "ports/test_ports.hpp"

namespace swarm::node {

class TestClock final : public ports::Clock {
 public:
  Instant now() override { return {}; }
  WallTime wall() override { return wall_now; }
  WallTime wall_now{1'000'000'000};
};

class TestTransport final : public ports::Transport {
 public:
  Result<void> listen(const Address&) override { return {}; }
  void stop_listening() override {}
  ports::LinkId open(const Address& to, const Address&, const wire::Hello& hello) override {
    dialled.push_back(to);
    hellos.push_back(hello);
    return ++last_;
  }
  void set_identity(const wire::Hello& hello) override { identity = hello; }
  Result<void> set_credentials(const ports::Credentials& now) override {
    credentials = now;
    return {};
  }
  void send(ports::LinkId link, ports::Frame frame) override { sent.emplace_back(link, std::move(frame)); }
  void close(ports::LinkId link) override { closed.push_back(link); }

  template <class Message>
  std::vector<std::pair<ports::LinkId, Message>> take() {
    std::vector<std::pair<ports::LinkId, Message>> out;
    for (const auto& [link, frame] : sent)
      if (const auto* wired = std::get_if<wire::Message>(&frame))
        if (const auto* message = std::get_if<Message>(wired)) out.emplace_back(link, *message);
    sent.clear();
    return out;
  }

  std::vector<Address> dialled;
  std::vector<wire::Hello> hellos;
  wire::Hello identity;
  ports::Credentials credentials;
  std::vector<std::pair<ports::LinkId, ports::Frame>> sent;
  std::vector<ports::LinkId> closed;

 private:
  ports::LinkId last_ = 100;
};

class TestMesh final : public ports::Mesh {
 public:
  void join(ClusterId, NodeId) override {}
  void leave() override {}
  void set_table(std::shared_ptr<const model::ForwardingTable>) override {}
  void task_up(const model::MeshTask&) override {}
  void task_stopping(TaskId) override {}
  void task_gone(TaskId) override {}
};

class TestOverlay final : public ports::Overlay {
 public:
  void join(NodeId) override {}
  void leave() override {}
  void change(std::uint64_t number, const wire::OverlayChange&) override { numbers.push_back(number); }
  std::vector<std::uint64_t> numbers;
};

class TestApi final : public ports::ApiSink {
 public:
  void begin(ports::ApiId, http::ResponseHead) override {}
  void piece(ports::ApiId, std::string) override {}
  void end(ports::ApiId) override {}
  void cut(ports::ApiId) override {}
};

class TestTrace final : public ports::Trace {
 public:
  bool enabled() const override { return true; }
  void record(std::string_view kind, std::string text) override {
    lines.emplace_back(std::string(kind), std::move(text));
  }
  std::vector<std::string> of(std::string_view kind) const {
    std::vector<std::string> out;
    for (const auto& [its_kind, text] : lines)
      if (its_kind == kind) out.push_back(text);
    return out;
  }
  std::vector<std::pair<std::string, std::string>> lines;
};

struct TestWorld {
  TestClock clock;
  TestTransport transport;
  TestDisk disk;
  ports::IdleRunner runner;
  TestMesh mesh;
  TestOverlay overlay;
  ports::TestCrypto crypto;
  TestApi api;
  TestTrace trace;
  Core core{NodeOptions{}, {clock, transport, disk, runner, mesh, overlay, crypto, api, trace}};

  TestWorld() { core.now = Instant{1'000'000'000}; }
};

}  // namespace swarm::node
