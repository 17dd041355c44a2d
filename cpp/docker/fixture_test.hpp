// A swarm of one manager around the API machine: a real store and worker, a runner and a crypto that are
// plain values.
#pragma once

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "control/cluster.hpp"
#include "docker/api.hpp"
#include "docker/json.hpp"
#include "model/kept_fields.hpp"
#include "ports/test_ports.hpp"

namespace swarm::docker {

class ListRunner final : public ports::IdleRunner {
 public:
  std::optional<ports::Usage> usage(TaskId) override { return usage_; }
  std::vector<ports::Image> images() override {
    return {{"nginx:*", {"swarm-web"}, true}, {"mine:1", {"sh"}, false}};
  }
  Result<void> add_image(const ports::Image& image) override {
    if (image.command.front() == "nosuch") return plain_error(Code::invalid_argument, "nosuch is not there");
    return {};
  }
  std::vector<std::string> warnings(const model::ServiceSpec& spec,
                                    const model::ServiceSpec* before) override {
    return model::newly_kept(spec, before);
  }

  std::optional<ports::Usage> usage_;
};

struct Reply {
  std::uint32_t status = 0;
  http::Headers headers;
  std::string body;
  bool streaming = false, ended = false, cut = false;

  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers)
      if (key == name) return value;
    return {};
  }
  Value json() const {
    const auto value = parse_json(body);
    EXPECT_TRUE(value.ok()) << body;
    return value ? *value : Value{};
  }
  std::string message() const {
    const Value parsed = json();
    const Value* text = parsed.find("message");
    return text == nullptr ? "(no message) " + body : *text->text();
  }
};

// "a.b.0.c" into a document; "" for what is not there, numbers and words as text.
std::string at(const Value& value, std::string_view path);
// How many items, or members.
std::size_t size_of(const Value& value);

class ApiTest : public testing::Test {
 protected:
  ApiTest() { local_.hostname = local_.description.hostname = "m1"; }

  Context context() {
    return {store_.get(), local_, raft_, worker_.get(), runner_, crypto_, rng_, now_, wall_};
  }
  // Becomes the manager of a swarm of one.
  void init();
  model::Node add_node(const std::string& hostname, model::NodeRole role = model::NodeRole::worker);
  void apply(model::Transaction transaction);

  // Sends a request and carries out what it wants; proposals are applied at once.
  ApiId send(const std::string& method, const std::string& target, const std::string& body = {},
             http::Headers headers = {});
  Reply ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    return replies_[send(method, target, body)];
  }
  Reply get(const std::string& target) { return ask("GET", target); }
  Reply post(const std::string& target, const std::string& body = "{}") { return ask("POST", target, body); }
  void drive();
  std::string create(const std::string& spec);  // the id

  // A task of the service, assigned to the first node.
  model::Task add_task(const std::string& service, std::uint64_t slot, model::TaskState state);
  // Runs it on this node's worker, as "container" `number`; returns the container's id.
  std::string run_here(const model::Task& task, int number = 1);
  void step(TaskId task, model::TaskState state);
  void exited(TaskId task, int code);
  void pass_worker_events();

  std::unique_ptr<store::Store> store_;
  std::unique_ptr<agent::Worker> worker_;
  LocalNode local_;
  RaftView raft_;
  ListRunner runner_;
  ports::TestCrypto crypto_;
  Rng rng_{7};
  Instant now_{1'000};
  WallTime wall_{1'790'000'000'000'000'000};
  Api api_;
  std::map<ApiId, Reply> replies_;
  std::vector<Perform> performed_;
  std::vector<Question> asked_;
  Told told_;  // the answer to each question
  std::vector<model::Task> assigned_;
  bool applies_ = true;  // false: proposals wait in `proposed_`
  std::vector<Propose> proposed_;
  ApiId last_ = 0;
  std::uint64_t index_ = 0;
};

}  // namespace swarm::docker
