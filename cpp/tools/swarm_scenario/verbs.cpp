// What users do and see, through the API of a node (`at=NODE`; else of the first manager that is alive).
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/json.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"
#include "story.hpp"

namespace swarm::scenario {
namespace {

using docker::Value;
using sim::get;
using sim::post;

std::string text_of(const Value* value) {
  if (value == nullptr) return {};
  if (value->text() != nullptr) return *value->text();
  if (const auto* number = std::get_if<std::int64_t>(&value->data)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&value->data)) return std::to_string(*number);
  if (const auto* flag = std::get_if<bool>(&value->data)) return *flag ? "true" : "false";
  return {};
}

std::string text_at(const Value& from, std::initializer_list<std::string_view> path) {
  const Value* at = &from;
  for (const auto key : path) {
    at = at->find(key);
    if (at == nullptr) return {};
  }
  return text_of(at);
}

bool ok(const sim::Reply& reply) { return reply.ended && reply.begun && reply.head.status < 300; }

// Docker's words; of several lines the first says it.
std::string refusal(const sim::Reply& reply) {
  if (!reply.begun) return "no answer";
  const std::string message = sim::message_of(reply.body);
  return "refused: " + without_ids(message.substr(0, message.find('\n')));
}

const Value::Items& items_of(const Result<Value>& parsed) {
  static const Value::Items kNone;
  return parsed && parsed->items() != nullptr ? *parsed->items() : kNone;
}

void take_update(sim::ServiceWish::Update& update, const std::string& key, const std::string& value) {
  if (key == "parallelism") update.parallelism = whole<std::uint64_t>(value);
  if (key == "delay") update.delay = span_of(value);
  if (key == "monitor") update.monitor = span_of(value);
  if (key == "failure-action") update.failure_action = value;
  if (key == "order") update.order = value;
  if (key == "max-failure-ratio") {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), update.max_failure_ratio);
    SWARM_CHECK(error == std::errc{} && end == value.data() + value.size(), value, "is no ratio");
  }
}

// "node.role:manager": the sign "=" separates options, and so it cannot stand in a constraint.
std::string constraint_of(const std::string& text) {
  const bool differs = text.find("!:") != std::string::npos;
  const auto at = text.find(differs ? "!:" : ":");
  return text.substr(0, at) + (differs ? "!=" : "==") + text.substr(at + (differs ? 2 : 1));
}

// The flags of `docker service create` without their dashes.
// Intricate: one line for each flag, and none depends on another.
// NOLINTNEXTLINE(readability-function-cognitive-complexity)
void take_options(sim::ServiceWish& wish, const Line& line) {
  for (const auto& [key, value] : line.options) {
    if (key == "replicas") wish.replicas = whole<std::uint64_t>(value);
    if (key == "image") wish.image = value;
    if (key == "publish") {  // 8080:80
      wish.published_port = whole<std::uint32_t>(value.substr(0, value.find(':')));
      wish.target_port = whole<std::uint32_t>(value.substr(value.find(':') + 1));
    }
    if (key == "mode") wish.global = value == "global";
    if (key == "constraint") wish.constraints.push_back(constraint_of(value));
    if (key == "reserve-cpu")
      wish.reserve_nano_cpus = saturating_mul<std::int64_t>(whole<std::int64_t>(value), 1'000'000'000);
    if (key == "max-per-node") wish.max_per_node = whole<std::uint64_t>(value);
    if (key == "restart") wish.restart_condition = value;
    if (key == "restart-delay") wish.restart_delay = span_of(value);
    if (key == "max-attempts") wish.max_attempts = whole<std::uint64_t>(value);
    if (key == "restart-window") wish.restart_window = span_of(value);
    if (key == "stop-grace") wish.stop_grace = span_of(value);
    if (key == "spread") wish.spread = value;
    if (key == "args") wish.args.push_back(value);
    if (key == "force") ++wish.force_update;
    if (key.starts_with("update-")) take_update(wish.update, key.substr(7), value);
    if (key.starts_with("rollback-")) take_update(wish.rollback, key.substr(9), value);
  }
}

}  // namespace

std::string without_ids(const std::string& text) {
  constexpr std::size_t kIdLength = 25, kDigestLength = 64;
  std::string out, word;
  for (const char c : text + '\0') {
    const bool in_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
    if (in_word) word += c;
    if (in_word) continue;
    out += word.size() == kIdLength ? "ID" : word.size() == kDigestLength ? "DIGEST" : word;
    out += c;
    word.clear();
  }
  out.pop_back();
  return out;
}

std::string Teller::asked(const Line& line) const {
  if (line.has("at")) return line.option("at");
  std::string leader = sim::leader_of(*world_);
  if (!leader.empty()) return leader;
  for (const auto& name : world_->machines())
    if (world_->alive(name) && world_->node(name).inspect().is_manager) return name;
  return world_->machines().front();
}

sim::Reply Teller::ask(const Line& line, http::Request request) {
  return world_->ask(asked(line), std::move(request), Duration::seconds(60));
}

std::string Teller::node_name(const std::string& id) {
  const auto parsed = NodeId::parse(id);
  if (!parsed || parsed->empty()) return "-";
  if (store() != nullptr)
    for (const auto& [known, node] : store()->nodes()) names_[known] = node->display_name();
  const auto it = names_.find(*parsed);
  return it == names_.end() ? "a removed node" : it->second;
}

// By name where one node has it, preferring one that is not down; else as it was given.
std::string Teller::node_id(const std::string& name, const Line&) {
  std::string found = name;
  if (store() == nullptr) return found;
  bool alive = false;
  for (const auto& [id, node] : store()->nodes())
    if (node->display_name() == name && !alive) {
      found = id.str();
      alive = node->status.state == model::NodeState::ready;
    }
  return found;
}

// ---- the swarm

std::string Teller::init(const Line& line) {
  const std::string& name = line.words.at(1);
  const sim::Reply reply = world_->ask(name, sim::swarm_init(world_->address(name)));
  return ok(reply) ? "swarm initialized: " + name + " is a manager" : refusal(reply);
}

// join w1 | join m2 as=manager | join w1 token=SWMTKN-... | join w1 token=of:OTHER
std::string Teller::join(const Line& line) {
  const std::string& name = line.words.at(1);
  const std::string role = line.option("as", "worker");
  const std::string via = line.option("via", asked(line) == name ? world_->machines().front() : asked(line));
  std::string token = line.option("token", "of:" + via);
  if (token == "wrong-secret") {
    token = sim::join_token_of(world_->ask(via, get("/swarm")).body, "Worker");
    token.replace(token.size() - 4, 4, token.ends_with("0000") ? "1111" : "0000");
  } else if (token.starts_with("of:")) {
    token = sim::join_token_of(world_->ask(token.substr(3), get("/swarm")).body,
                               role == "manager" ? "Manager" : "Worker");
  }
  const sim::Reply reply = world_->ask(
      name, sim::swarm_join(world_->address(name), world_->address(via), token), Duration::seconds(60));
  return ok(reply) ? name + " joined as a " + role : refusal(reply);
}

std::string Teller::leave(const Line& line) {
  const std::string& name = line.words.at(1);
  const bool force = line.words.size() > 2 && line.words[2] == "force";
  const sim::Reply reply = world_->ask(name, post(std::string("/swarm/leave") + (force ? "?force=true" : "")),
                                       Duration::seconds(60));
  return ok(reply) ? name + " left the swarm" : refusal(reply);
}

std::string Teller::info(const Line& line) {
  const std::string& name = line.words.at(1);
  const auto parsed = docker::parse_json(world_->ask(name, get("/info")).body);
  if (!parsed) return "no answer";
  std::string text = name + ": swarm " + text_at(*parsed, {"Swarm", "LocalNodeState"});
  if (text_at(*parsed, {"Swarm", "ControlAvailable"}) == "true") text += ", manager";
  const std::string error = text_at(*parsed, {"Swarm", "Error"});
  if (!error.empty()) text += ", error: " + without_ids(error.substr(0, error.find('\n')));
  const Value* warnings = line.words.back() == "warnings" ? parsed->find("Warnings") : nullptr;
  if (warnings != nullptr && warnings->items() != nullptr)
    for (const Value& warning : *warnings->items()) text += "\n" + text_of(&warning);
  return text;
}

std::string Teller::nodes(const Line& line) {
  const sim::Reply reply = ask(line, get("/nodes"));
  if (!ok(reply)) return refusal(reply);
  const auto parsed = docker::parse_json(reply.body);
  std::vector<std::string> rows;
  for (const Value& node : items_of(parsed)) {
    std::string row = text_at(node, {"Description", "Hostname"}) + " " + text_at(node, {"Status", "State"}) +
                      " " + text_at(node, {"Spec", "Availability"}) + " " + text_at(node, {"Spec", "Role"});
    if (text_at(node, {"ManagerStatus", "Leader"}) == "true") row += " leader";
    if (text_at(node, {"ManagerStatus", "Reachability"}) == "unreachable") row += " unreachable";
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end());
  std::string text;
  for (const auto& row : rows) text += row + "\n";
  return text;
}

// node promote|demote|drain|activate|hold|label|remove NAME [k=v] [force]
std::string Teller::node(const Line& line) {
  const std::string& what = line.words.at(1);
  const std::string& name = line.words.at(2);
  const std::string id = node_id(name, line);
  if (what == "remove") {
    const bool force = line.words.size() > 3;
    const sim::Reply reply = ask(line, sim::del("/nodes/" + id + (force ? "?force=true" : "")));
    return ok(reply) ? name + " removed" : refusal(reply);
  }
  const sim::Reply now = ask(line, get("/nodes/" + id));
  if (!ok(now)) return refusal(now);
  const auto parsed = docker::parse_json(now.body);
  std::string role = text_at(*parsed, {"Spec", "Role"}),
              availability = text_at(*parsed, {"Spec", "Availability"});
  if (what == "promote") role = "manager";
  if (what == "demote") role = "worker";
  if (what == "drain") availability = "drain";
  if (what == "activate") availability = "active";
  if (what == "hold") availability = "pause";
  docker::Json json;
  json.object([&] {
    json.field("Role", role).field("Availability", availability);
    json.object("Labels", [&] {
      if (what == "label")
        for (const auto& [key, value] : line.options)
          if (key != "at") json.field(key, value);
    });
  });
  const sim::Reply reply =
      ask(line,
          post("/nodes/" + id + "/update?version=" + std::to_string(sim::version_of(now.body)), json.take()));
  return ok(reply) ? "" : refusal(reply);
}

// ca [rotate] [expiry=1h]: what the two bars of `docker swarm ca --rotate` show: "root 2, on the way:
// certificates 3/4, believed by 0/4".
std::string Teller::ca(const Line& line) {
  const sim::Reply now = ask(line, get("/swarm"));
  if (!ok(now)) return refusal(now);
  const auto swarm = docker::parse_json(now.body);
  const std::string path = "/swarm/update?version=" + std::to_string(sim::version_of(now.body));
  const std::string rotations = text_at(*swarm, {"Spec", "CAConfig", "ForceRotate"});
  const bool rotate = line.words.size() > 1;
  if (rotate || line.has("expiry")) {
    docker::Json json;
    json.object([&] {
      json.object("CAConfig", [&] {
        json.field("NodeCertExpiry",
                   line.has("expiry")
                       ? span_of(line.option("expiry")).ns
                       : whole<std::int64_t>(text_at(*swarm, {"Spec", "CAConfig", "NodeCertExpiry"})));
        json.field("ForceRotate",
                   whole<std::uint64_t>(rotations.empty() ? "0" : rotations) + (rotate ? 1U : 0U));
      });
    });
    const sim::Reply reply = ask(line, post(path, json.take()));
    return ok(reply) ? "" : refusal(reply);
  }
  return bars_of(*swarm, ask(line, get("/nodes")));
}

std::string Teller::bars_of(const Value& swarm, const sim::Reply& nodes) {
  if (!ok(nodes)) return refusal(nodes);
  const auto list = docker::parse_json(nodes.body);
  const std::string root = text_at(swarm, {"TLSInfo", "TrustRoot"});
  const std::string key = text_at(swarm, {"TLSInfo", "CertIssuerPublicKey"});
  const std::string& name = roots_.try_emplace(root, std::to_string(roots_.size() + 1)).first->second;
  std::size_t all = 0, certified = 0, believed = 0;
  for (const Value& node : items_of(list)) {
    ++all;
    certified += text_at(node, {"Description", "TLSInfo", "CertIssuerPublicKey"}) == key ? 1 : 0;
    believed += text_at(node, {"Description", "TLSInfo", "TrustRoot"}) == root ? 1 : 0;
  }
  const auto of_all = [&](std::size_t some) { return std::to_string(some) + "/" + std::to_string(all); };
  const bool on_the_way = text_at(swarm, {"RootRotationInProgress"}) == "true";
  return "root " + name + (on_the_way ? ", on the way" : "") + ": certificates " + of_all(certified) +
         ", believed by " + of_all(believed);
}

// levels: "swarm 1: m1 2, m2 1; m2 knows feature level 1"
std::string Teller::levels(const Line& line) {
  const sim::Reply reply = ask(line, get("/swarmpy/v1/feature-level"));
  if (!ok(reply)) return refusal(reply);
  const auto parsed = docker::parse_json(reply.body);
  std::vector<std::string> rows;
  for (const Value& node : *parsed->find("Nodes")->items())
    rows.push_back(text_at(node, {"Hostname"}) + " " + text_at(node, {"Level"}));
  std::sort(rows.begin(), rows.end());
  std::string text = "swarm " + text_at(*parsed, {"Level"}) + ":";
  for (std::size_t i = 0; i < rows.size(); ++i) text += (i == 0 ? " " : ", ") + rows[i];
  const std::string held = text_at(*parsed, {"HeldBackBy"});
  return text + (held.empty() ? "" : "; held back: " + held);
}

std::string Teller::leader(const Line&) {
  const std::string name = sim::leader_of(*world_);
  return name.empty() ? "nobody leads" : name + " leads";
}

// ---- services and tasks

// image NAME [missing] [stubborn] [lives=1s] [exit=1]
std::string Teller::image(const Line& line) {
  sim::ImageScript script;
  const auto says = [&](const char* word) {
    return std::find(line.words.begin() + 2, line.words.end(), word) != line.words.end();
  };
  script.exists = !says("missing");
  script.ignores_term = says("stubborn");
  if (line.has("lives")) script.lives = span_of(line.option("lives"));
  script.exit_code = whole<std::int64_t>(line.option("exit", "0"));
  world_->set_image(line.words.at(1), script);
  return {};
}

// service create NAME IMAGE ... | update NAME ... | scale NAME N | rollback NAME | remove NAME
std::string Teller::service(const Line& line) {
  const std::string& what = line.words.at(1);
  const std::string& name = line.words.at(2);
  if (what == "create") return create(line);
  if (what == "remove") {
    const sim::Reply reply = ask(line, sim::del("/services/" + name));
    return ok(reply) ? "" : refusal(reply);
  }
  if (what == "rollback") return update(name, line);
  sim::ServiceWish& wish = wishes_[name];
  if (what == "scale") wish.replicas = whole<std::uint64_t>(line.words.at(3));
  take_options(wish, line);
  return update(name, line);
}

std::string Teller::create(const Line& line) {
  sim::ServiceWish wish;
  wish.name = line.words.at(2);
  wish.image = line.words.size() > 3 ? line.words[3] : "nginx:1.10";
  wish.args.assign(line.words.begin() + std::min<std::ptrdiff_t>(4, std::ssize(line.words)),
                   line.words.end());
  take_options(wish, line);
  const sim::Reply reply = ask(line, post("/services/create", to_json(wish)));
  if (!ok(reply)) return refusal(reply);
  wishes_[wish.name] = wish;
  return {};
}

std::string Teller::update(const std::string& name, const Line& line) {
  const sim::Reply now = ask(line, get("/services/" + name));
  if (!ok(now)) return refusal(now);
  std::string target = "/services/" + name + "/update?version=" + std::to_string(sim::version_of(now.body));
  if (line.words.at(1) == "rollback") target += "&rollback=previous";
  const sim::Reply reply = ask(line, post(target, to_json(wishes_[name])));
  return ok(reply) ? "" : refusal(reply);
}

std::string Teller::services(const Line& line) {
  const sim::Reply reply = ask(line, get("/services?status=true"));
  if (!ok(reply)) return refusal(reply);
  const auto parsed = docker::parse_json(reply.body);
  std::vector<std::string> rows;
  for (const Value& service : items_of(parsed)) {
    const Value* mode = service.find("Spec")->find("Mode");
    std::string row = text_at(service, {"Spec", "Name"}) + " " +
                      (mode->find("Global") != nullptr ? "global " : "replicated ") +
                      text_at(service, {"ServiceStatus", "RunningTasks"}) + "/" +
                      text_at(service, {"ServiceStatus", "DesiredTasks"}) + " " +
                      text_at(service, {"Spec", "TaskTemplate", "ContainerSpec", "Image"});
    const std::string update = text_at(service, {"UpdateStatus", "State"});
    if (!update.empty()) row += " update " + update;
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end());
  std::string text;
  for (const auto& row : rows) text += row + "\n";
  return text;
}

// why web: the message of its update.
std::string Teller::why(const Line& line) {
  const sim::Reply reply = ask(line, get("/services/" + line.words.at(1)));
  if (!ok(reply)) return refusal(reply);
  const auto parsed = docker::parse_json(reply.body);
  return without_ids(text_at(*parsed, {"UpdateStatus", "Message"}));
}

// `docker service ps`: newest first in each slot; `where` adds the node, `wanted` leaves out what is over.
std::string Teller::tasks(const Line& line) {
  const std::string& name = line.words.at(1);
  const auto says = [&](const char* word) {
    return std::find(line.words.begin() + 2, line.words.end(), word) != line.words.end();
  };
  const sim::Reply reply = ask(line, get("/tasks?filters=%7B%22service%22%3A%5B%22" + name + "%22%5D%7D"));
  if (!ok(reply)) return refusal(reply);
  const auto parsed = docker::parse_json(reply.body);
  struct Row {
    std::uint64_t slot;
    std::string node, created, text;
    bool over;
  };
  std::vector<Row> rows;
  for (const Value& task : items_of(parsed)) {
    const std::string state = text_at(task, {"Status", "State"}), desired = text_at(task, {"DesiredState"});
    const std::string slot = text_at(task, {"Slot"}), node = node_name(text_at(task, {"NodeID"}));
    Row row{slot.empty() ? 0 : whole<std::uint64_t>(slot),
            node,
            text_at(task, {"CreatedAt"}),
            {},
            desired == "shutdown"};
    row.text = name + "." + (slot.empty() ? node : slot) + " " + state;
    if (desired != "running") row.text += " (wanted: " + desired + ")";
    row.text += " " + text_at(task, {"Spec", "ContainerSpec", "Image"});
    if (says("where") && !slot.empty()) row.text += " on " + node;
    const std::string error = text_at(task, {"Status", "Err"});
    if (!error.empty()) row.text += " \"" + error + "\"";
    if (!says("wanted") || !row.over) rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    const auto place = [](const Row& row) {
      return std::pair(row.slot, row.slot == 0 ? row.node : std::string());
    };
    if (place(a) != place(b)) return place(a) < place(b);
    if (a.over != b.over) return b.over;
    return std::tie(b.created, b.text) < std::tie(a.created, a.text);
  });
  std::string text;
  for (const Row& row : rows) text += row.text + "\n";
  return text;
}

// How many running tasks each node has: "m1 1, w1 2".
std::string Teller::spread(const Line& line) {
  const store::Store* now = store();
  const auto service = now->service_named(line.words.at(1));
  if (!service) return "no such service";
  std::map<std::string, int> counts;
  for (const auto& [id, node] : now->nodes())
    if (node->status.state == model::NodeState::ready) counts[node->display_name()];
  for (const auto& [slot, id] : now->tasks_of_service(service->id)) {
    const auto task = now->task(id);
    if (task->state() == model::TaskState::running && task->desired_state == model::TaskState::running)
      ++counts[node_name(task->node_id.str())];
  }
  std::string text;
  for (const auto& [name, count] : counts)
    text += (text.empty() ? "" : ", ") + name + " " + std::to_string(count);
  return text;
}

std::string Teller::kill_task(const Line& line) {
  const auto task = task_named(line.words.at(1));
  if (!task || !world_->kill_task(task->id)) return "no such process";
  const auto known = [&] {
    const auto now = store() != nullptr ? store()->task(task->id) : nullptr;
    return !now || model::is_terminal(now->state());
  };
  return world_->run_until(known, Duration::seconds(30)) ? "" : "no manager has noticed";
}

// ---- published ports

std::string Teller::answered_by(const sim::HttpReply& reply) const {
  if (reply.status == 0) return reply.ended ? reply.error : "no answer";
  const store::Store* now = store();
  const auto task = now != nullptr ? now->task(reply.task) : nullptr;
  if (!task) return std::to_string(reply.status);
  return std::to_string(reply.status) + " " + task->templ->service.name + "." + std::to_string(task->slot);
}

// kv get KEY [local] | put KEY VALUE | cas KEY OLD NEW | delete KEY | list; "-" is a key that is not there.
std::string Teller::kv(const Line& line) {
  const std::string& verb = line.words.at(1);
  const std::string path = "/swarmpy/v1/kv" + (verb == "list" ? "" : "/" + line.words.at(2));
  http::Request request = get(path);
  if (verb == "get" && line.words.size() > 3) request.headers.emplace_back("swarmpy-consistency", "local");
  if (verb == "put") request = {"PUT", path, {}, line.words.at(3)};
  if (verb == "delete") request = sim::del(path);
  const auto text = [](const std::string& word) { return word == "-" ? "null" : "\"" + word + "\""; };
  if (verb == "cas")
    request = post(path + "/cas",
                   R"({"Old":)" + text(line.words.at(3)) + R"(,"New":)" + text(line.words.at(4)) + "}");
  const sim::Reply reply = ask(line, std::move(request));
  if (!ok(reply)) return refusal(reply);
  const auto parsed = docker::parse_json(reply.body);
  if (verb == "get") return text_at(*parsed, {"Value"});
  std::string out;
  for (const Value& one : items_of(parsed)) out += text_at(one, {"Key"}) + "\n";
  return out;
}

// http m1 8080 [times=6]: who answers, and how often.
std::string Teller::http(const Line& line) {
  const auto port = whole<std::uint32_t>(line.words.at(2));
  std::map<std::string, int> answers;
  for (int i = 0; i < whole<int>(line.option("times", "1")); ++i)
    ++answers[answered_by(world_->fetch(line.words[1], port))];
  std::string text;
  for (const auto& [answer, count] : answers)
    text += answer + (line.has("times") ? " x " + std::to_string(count) : "") + "\n";
  return text;
}

// load 8080 every=1ms for=2s: requests to all machines in turn, while time goes on; `requests` counts.
std::string Teller::load(const Line& line) {
  const auto port = whole<std::uint32_t>(line.words.at(1));
  const Duration every = span_of(line.option("every", "10ms"));
  const Instant end = world_->now() + span_of(line.option("for", "1s"));
  const auto machines = world_->machines();
  for (std::size_t i = 0; world_->now() < end; ++i) {
    requests_.push_back(world_->http_get(machines[i % machines.size()], port));
    world_->run_for(every);
  }
  return {};
}

std::string Teller::requests(const Line&) {
  world_->run_for(Duration::seconds(2));
  std::size_t served = 0;
  std::map<std::string, int> errors;
  for (const auto id : std::exchange(requests_, {})) {
    const sim::HttpReply reply = world_->http_reply(id);
    world_->http_forget(id);
    if (reply.status == 200) ++served;
    if (reply.status != 200) ++errors[answered_by(reply)];
  }
  std::string text = std::to_string(served) + " served";
  for (const auto& [error, count] : errors) text += ", " + std::to_string(count) + " " + error;
  return text;
}

// occupy w1 8080: another program has that port there. / vacate w1 8080
std::string Teller::occupy(const Line& line) {
  world_->occupy_port(line.words.at(1), whole<std::uint32_t>(line.words.at(2)),
                      line.words.front() == "occupy");
  world_->run_for(Duration::seconds(2));
  return {};
}

std::string Teller::logs(const Line& line) {
  const sim::Reply reply = ask(line, get("/services/" + line.words.at(1) + "/logs?stdout=true&stderr=true"));
  if (!ok(reply)) return refusal(reply);
  // Docker's framing: 8 bytes before each piece, the last four its length.
  std::string text;
  for (std::size_t at = 0; at + 8 <= reply.body.size();) {
    const std::uint32_t length = get_u32(reply.body, at + 4);
    text += reply.body.substr(at + 8, length);
    at += 8 + length;
  }
  return text;
}

}  // namespace swarm::scenario
