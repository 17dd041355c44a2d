// POST /examples/create, GET /examples, GET/DELETE /examples/{name}
#include "docker/described.hpp"
#include "docker/handlers.hpp"

namespace swarm::docker {
namespace {

void propose(Call& call, model::Action action, std::uint32_t status) {
  model::Transaction transaction;
  transaction.actions.push_back(std::move(action));
  call.replies.propose(call.id, std::move(transaction), EmptyAnswer{status});
}

}  // namespace

void create_example(Call& call) {
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  Issues issues;
  model::Example example;
  read_fields(Fields(&*body, issues, "Example"), example);
  if (issues.any()) return call.refuse(issues.first());
  example.id = decltype(example.id)::random(call.context.rng);
  propose(call, model::Put{std::move(example)}, 201);
}

void list_examples(Call& call) {
  Json json;
  json.array([&] {
    for (const auto& [id, example] : call.store().all<model::Example>()) write_value(json, *example);
  });
  call.reply(json.take());
}

void show_example(Call& call) {
  const auto example = call.store().named<model::Example>(call.name);
  if (!example) return call.refuse(not_found("example", call.name));
  Json json;
  write_value(json, *example);
  call.reply(json.take());
}

void remove_example(Call& call) {
  const auto example = call.store().named<model::Example>(call.name);
  if (!example) return call.refuse(not_found("example", call.name));
  propose(call, model::Remove::of<model::Example>(example->id), 204);
}

}  // namespace swarm::docker
