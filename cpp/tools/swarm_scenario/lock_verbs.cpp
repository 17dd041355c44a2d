// Autolock: `docker swarm update --autolock`, `unlock-key --rotate` and `unlock`.
#include <string>

#include "docker/json.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"
#include "story.hpp"

namespace swarm::scenario {
namespace {

using sim::get;
using sim::post;

bool ok(const sim::Reply& reply) { return reply.ended && reply.begun && reply.head.status < 300; }

std::string refusal(const sim::Reply& reply) {
  return reply.begun ? "refused: " + sim::message_of(reply.body) : "no answer";
}

std::string key_in(const std::string& body) {
  const auto parsed = docker::parse_json(body);
  const docker::Value* key = parsed ? parsed->find("UnlockKey") : nullptr;
  return key != nullptr && key->text() != nullptr ? *key->text() : "";
}

}  // namespace

// autolock on | autolock off | autolock rotate
std::string Teller::autolock(const Line& line) {
  const bool on = line.words.at(1) != "off";
  const sim::Reply now = ask(line, get("/swarm"));
  if (!ok(now)) return refusal(now);
  std::string target = "/swarm/update?version=" + std::to_string(sim::version_of(now.body));
  if (line.words[1] == "rotate") target += "&rotateManagerUnlockKey=true";
  const sim::Reply reply =
      ask(line, post(target, std::string(R"({"Name":"default","EncryptionConfig":{"AutoLockManagers":)") +
                                 (on ? "true" : "false") + "}}"));
  if (!ok(reply)) return refusal(reply);
  const std::string key = key_in(ask(line, get("/swarm/unlockkey")).body);
  if (key.empty()) return "no unlock key is set";
  const bool is_new = unlock_keys_.empty() || unlock_keys_.back() != key;
  if (is_new) unlock_keys_.push_back(key);
  return is_new ? "there is a new unlock key" : "the unlock key is as before";
}

// unlock m1: with the newest key that the story has seen. unlock m1 former: with the one before it. unlock m1
// SWMKEY-1-...: with any other text
std::string Teller::unlock(const Line& line) {
  const std::string& name = line.words.at(1);
  std::string key = unlock_keys_.empty() ? "" : unlock_keys_.back();
  if (line.words.size() > 2) key = line.words[2];
  if (key == "former") key = unlock_keys_.at(unlock_keys_.size() - 2);
  const sim::Reply reply = world_->ask(name, post("/swarm/unlock", R"({"UnlockKey":")" + key + R"("})"));
  return ok(reply) ? name + " is unlocked" : refusal(reply);
}

}  // namespace swarm::scenario
