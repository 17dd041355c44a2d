#include "workloads.hpp"

#include <set>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/feature_level.hpp"
#include "tools/swarm_crash/play.hpp"

namespace swarm::tools {
namespace {

const std::vector<std::string> kThree{"m1", "m2", "m3"};
constexpr const char* kOld = "nginx:1.10";
constexpr const char* kNew = "nginx:1.11";

void init(Play& play) {
  play.machines({"m1"});
  play.init("m1");
  play.put("a", "1");
}

void join(Play& play) { play.form(kThree, {"w1", "w2"}); }

void services(Play& play) {
  play.form(kThree, {"w1"});
  play.create("web", 2);
  play.settle();
  play.change("web", kOld, 4);
  play.settle();
  play.change("web", kNew, 4);
  play.settle();
  play.create("db", 1);
  play.remove("web");
  play.settle();
}

void alone(Play& play) {
  play.form({"m1"}, {});
  play.create("web", 2);
  for (int i = 0; i < 8; ++i) play.put("k" + std::to_string(i % 3), std::to_string(i));
  play.change("web", kNew, 2);
  play.settle();
  play.remove("web");
}

void keys(Play& play) {
  play.form(kThree, {});
  for (int i = 0; i < 24; ++i) play.put("k" + std::to_string(i % 5), std::to_string(i));
}

void nodes(Play& play) {
  play.form({"m1"}, {"w1"});
  play.create("web", 2);
  play.machines({"w2"});
  play.join("w2", "worker");
  play.settle();
  play.leave("w1");
  play.settle();
  play.join("w1", "worker");
}

void roles(Play& play) {
  play.form({"m1"}, {"w1", "w2"});
  play.role("w1", "manager");
  play.settle();
  play.role("w2", "manager");
  play.settle();
  play.role("w1", "worker");
  play.settle();
  play.put("a", "1");
}

void managers_leave(Play& play) {
  play.form(kThree, {});
  play.put("a", "1");
  play.role("m3", "worker");
  play.settle();
  play.leave("m3");
  play.settle();
  play.put("a", "2");
}

// A log that is shortened every few entries, and a manager that was away for so long that it gets a snapshot.
void snapshots(Play& play) {
  play.form(kThree, {}, {24, 8});
  play.crash("m3");
  for (int i = 0; i < 40; ++i) play.put("k" + std::to_string(i % 7), std::to_string(i));
  play.start("m3");
  play.settle();
  for (int i = 0; i < 20; ++i) play.put("k" + std::to_string(i % 7), std::to_string(i + 40));
}

void leaders(Play& play) {
  play.form(kThree, {});
  for (int round = 0; round < 3; ++round) {
    play.put("a", std::to_string(round));
    play.fault("transfer");
    play.pass(Duration::seconds(1));
  }
  play.put("b", "1");
}

void two_months_later(Play& play) {
  for (const auto* name : {"m1", "m2", "w1"}) play.fault(std::string("clock ") + name + " jump 1500h");
}
// The crash may have come when some clocks had jumped. A node whose clock is two months behind believes no
// new certificate.
void all_clocks(Play& play) {
  std::set<std::string> behind{"m1", "m2", "w1"};
  for (const auto& [id, fault] : play.world().active_faults()) behind.erase(fault.text("node"));
  if (behind.size() == 3) return;
  for (const std::string& name : behind) play.fault("clock " + name + " jump 1500h");
}

void certificates(Play& play) {
  play.form({"m1", "m2"}, {"w1"});
  play.put("a", "1");
  two_months_later(play);
  play.pass(Duration::seconds(20));
  play.settle();
  play.put("a", "2");
}

void levels(Play& play) {
  play.form(kThree, {});
  play.put("a", "1");
  for (const std::string& name : kThree) {
    play.upgrade(name, model::kFeatureLevel + 1);
    play.settle();
  }
  play.put("a", "2");
}

// Out of a lost majority: two of three never come back.
void force(Play& play) {
  play.form(kThree, {"w1"});
  play.create("web", 2);
  play.settle();
  play.crash("m2");
  play.crash("m3");
  play.pass(Duration::seconds(3));
  play.force_new_cluster("m1");
  play.settle();
  play.put("a", "1");
}
void force_again(Play& play) {
  if (!play.is_down("m2") || !play.is_down("m3")) return;
  if (play.world().run_until([&] { return !play.world().leader().empty(); }, Duration::seconds(10))) return;
  play.force_new_cluster("m1");
}

// A manager whose store differs is taken out and rebuilt by the others.
void rebuild(Play& play) {
  play.form(kThree, {});
  play.create("web", 2);
  play.settle();
  const std::string victim = play.world().leader() == "m2" ? "m3" : "m2";
  play.fault("disk " + victim + " altered");
  play.crash(victim);
  play.start(victim);
  play.pass(Duration::seconds(5));
  play.settle();
  play.put("a", "1");
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> kAll{
      {"init", "a swarm of one manager begins", init},
      {"join", "managers and workers join by token", join},
      {"services", "create, scale, update, remove", services},
      {"alone", "the same of one manager alone", alone},
      {"keys", "writes of a register, one after the other", keys},
      {"nodes", "workers join, leave, and join again", nodes},
      {"roles", "workers are promoted and demoted", roles},
      {"leave", "a manager is demoted and leaves", managers_leave},
      {"snapshots", "a short log, and a manager that needs a snapshot", snapshots},
      {"leaders", "leadership is handed over", leaders},
      {"certificates", "certificates are renewed", certificates, all_clocks},
      {"levels", "builds are upgraded, and the feature level rises", levels},
      {"force", "--force-new-cluster, out of a lost majority", force, force_again},
      {"rebuild", "a manager whose state differs is rebuilt", rebuild},
  };
  return kAll;
}

}  // namespace swarm::tools
