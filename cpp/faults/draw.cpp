#include "faults/draw.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/json.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "faults/plan.hpp"

namespace swarm::faults {
namespace {

struct Away {  // a manager that is not there from `begin` until `end`
  std::string name;
  Instant begin, end;
};

Error wrong(std::string what) { return plain_error(Code::invalid_argument, std::move(what)); }

Duration around(Rng& rng, Duration middle) {
  return Duration{std::max<std::int64_t>(
      1'000'000, rng.between(middle.ns / 2, middle.ns + middle.ns / 2) / 1'000'000 * 1'000'000)};
}

bool is_between_nodes(Kind kind) {
  return kind == Kind::partition || kind == Kind::cut || kind == Kind::hold || kind == Kind::net;
}

// The managers that cannot do their work while the fault lasts.
Names taken_away(const Fault& fault) {
  switch (fault.kind) {
    case Kind::kill:
    case Kind::power_off:
    case Kind::stop:
    case Kind::freeze:
      return {fault.text("node")};
    case Kind::disk:
      return fault.flag("full") || fault.find<Errnos>("errors") != nullptr ? Names{fault.text("node")}
                                                                           : Names{};
    case Kind::partition: {
      const auto* groups = fault.find<Groups>("groups");
      return groups == nullptr ? Names{fault.text("of")} : groups->front();
    }
    case Kind::cut:
    case Kind::hold:
      return fault.names("from");
    case Kind::net:
    case Kind::throttle:
    case Kind::clock:
    case Kind::kill_task:
    case Kind::port:
    case Kind::image:
    case Kind::transfer:
    default:
      return {};
  }
}

class Drawing {
 public:
  explicit Drawing(const DrawOptions& options) : options_(options), rng_(options.seed) {
    kinds_ = options.kinds.empty() ? drawable() : options.kinds;
    all_ = options.managers;
    all_.insert(all_.end(), options.workers.begin(), options.workers.end());
  }

  Plan plan() {
    Plan plan;
    const Instant end = Instant{} + options_.duration;
    for (Instant at = Instant{} + around(rng_, options_.every); at < end;
         at = at + around(rng_, options_.every)) {
      Fault fault = some();
      fault.at = at - Instant{};
      if (!fault.is_momentary()) fault.lasts = std::min(around(rng_, options_.lasts), end - at);
      if (fits(fault)) plan.faults.push_back(std::move(fault));
    }
    return plan;
  }

 private:
  const std::string& pick(const Names& names) { return names[rng_.below(names.size())]; }
  Duration span(std::int64_t least_ms, std::int64_t most_ms) {
    return Duration::millis(rng_.between(least_ms, most_ms));
  }

  Fault some() {
    Fault fault;
    fault.kind = kinds_[rng_.below(kinds_.size())];
    for (const auto& parameter : parameters(fault.kind))
      if (parameter.key == "node") fault.set("node", pick(all_));
    switch (fault.kind) {
      case Kind::partition:
        draw_partition(fault);
        break;
      case Kind::cut:
      case Kind::hold:
      case Kind::net:
        draw_link(fault);
        break;
      case Kind::throttle:
        fault.set("factor", Factor{rng_.between(2, 50) * 1'000'000'000});
        break;
      case Kind::disk:
        draw_disk(fault);
        break;
      case Kind::clock:
        draw_clock(fault);
        break;
      case Kind::kill_task:
        fault.set("task", pick(options_.tasks));
        break;
      case Kind::port:
        fault.set("port", std::int64_t{8080});
        break;
      case Kind::freeze:
      case Kind::power_off:
      case Kind::stop:
      case Kind::kill:
      case Kind::image:
      case Kind::transfer:
      default:
        break;
    }
    return fault;
  }

  void draw_partition(Fault& fault) {
    if (rng_.chance(1, 3) && all_.size() > 3) {
      Names side{pick(all_), pick(all_)};
      if (side[0] == side[1]) side.pop_back();
      fault.set("groups", Groups{side});
    } else {
      fault.set("of", pick(all_));
    }
    fault.set("one_way", rng_.chance(1, 3));
  }

  void draw_link(Fault& fault) {
    fault.set("from", Names{pick(all_)});
    std::string to = rng_.chance(1, 2) ? "*" : pick(all_);
    if (to == fault.names("from").front()) to = "*";
    fault.set("to", Names{to});
    fault.set("both", rng_.chance(2, 3));
    if (fault.kind != Kind::net) return;
    fault.set("latency", span(1, 100));
    if (rng_.chance(1, 2)) fault.set("jitter", span(1, 50));
    for (const auto* key : {"loss", "duplicate", "reorder"})
      if (rng_.chance(1, 3)) fault.set(key, Ratio{rng_.between(1, 100) * 1000});
  }

  void draw_disk(Fault& fault) {
    switch (rng_.below(4)) {
      case 0:
        fault.set("full", true);
        break;
      case 1:
        fault.set("errors", Errnos{{rng_.chance(1, 2) ? "write" : "fsync", "EIO"}});
        fault.set("after", rng_.between(1, 30));
        break;
      case 2:
        fault.set("torn", true);
        break;
      default:
        fault.set("fsync_delay", span(1, 80));
    }
  }

  void draw_clock(Fault& fault) {
    const std::uint64_t what = rng_.below(3);
    if (what == 0) fault.set("skew", span(-60'000, 60'000));
    if (what == 1) fault.set("drift", Factor{rng_.between(900'000'000, 1'100'000'000)});
    if (what == 2) fault.set("jump", span(-5'000, 5'000));
  }

  // Is a quorum left, with what is there already? A one-way loss takes a manager away as a whole one does; of
  // a link without "*" either end may be the lonely one, so one is enough.
  bool fits(const Fault& fault) {
    if (all_.size() < 2 && is_between_nodes(fault.kind)) return false;
    const Instant begin = Instant{} + fault.at.value_or(Duration{}),
                  end = begin + fault.lasts.value_or(Duration{});
    std::set<std::string> gone;
    for (const auto& name : taken_away(fault)) gone.insert(name);
    if (!options_.keep_quorum || gone.empty()) return true;
    for (const Away& away : away_) {
      if (away.end + kRecovery <= begin || end + kRecovery <= away.begin) continue;
      if (gone.contains(away.name)) return false;
    }
    std::set<std::string> all = gone;
    for (const Away& away : away_)
      if (away.end + kRecovery > begin && end + kRecovery > away.begin) all.insert(away.name);
    const auto lost = std::count_if(options_.managers.begin(), options_.managers.end(),
                                    [&](const auto& name) { return all.contains(name); });
    if (static_cast<std::size_t>(lost) * 2 >= options_.managers.size() && lost > 0) return false;
    for (const auto& name : gone) away_.push_back({name, begin, end});
    return true;
  }

  static constexpr Duration kRecovery = Duration::seconds(1);  // until it is back at work
  const DrawOptions& options_;
  Rng rng_;
  std::vector<Kind> kinds_;
  Names all_;
  std::vector<Away> away_;
};

Result<void> check(const DrawOptions& options) {
  if (options.managers.empty()) return wrong("there is no manager to draw faults for");
  if (options.every.ns <= 0 || options.lasts.ns <= 0) return wrong("every and for are more than 0s");
  if (options.duration.ns <= 0) return wrong("duration is more than 0s");
  if (options.duration.ns / options.every.ns > 100'000)
    return wrong("that would be more than 100000 faults: make every longer");
  for (const Kind kind : options.kinds) {
    if (kind == Kind::kill_task && options.tasks.empty())
      return wrong("kill_task wants tasks to draw from: name them (\"web.1\")");
    if (kind == Kind::image) return wrong("an image fault is not drawn: what it is to do is for you to say");
  }
  return {};
}

Result<void> take_seed(DrawOptions& options, const docker::Value& value) {
  const auto seed = value.whole();
  if (!seed || *seed < 0 || *seed != static_cast<__int128>(static_cast<std::uint64_t>(*seed)))
    return wrong("seed wants a whole number");
  options.seed = static_cast<std::uint64_t>(*seed);
  return {};
}

Result<void> take_kinds(DrawOptions& options, const std::vector<std::string>& words) {
  options.kinds.clear();
  for (const auto& word : words) {
    const auto kind = kind_of(word);
    if (!kind) return unknown("fault", word, kind_words());
    options.kinds.push_back(*kind);
  }
  return {};
}

Result<void> take_names(DrawOptions& options, const std::string& key, const docker::Value& value) {
  const auto names = read_names(value);
  if (!names) return wrong(key + " wants a list of words");
  if (key == "kinds") return take_kinds(options, *names);
  (key == "managers" ? options.managers : key == "workers" ? options.workers : options.tasks) = *names;
  return {};
}

Result<void> take(DrawOptions& options, const std::string& key, const docker::Value& value) {
  static const std::vector<std::string> kKeys{"seed",        "kinds",    "every",   "for",  "duration",
                                              "keep_quorum", "managers", "workers", "tasks"};
  if (std::count(kKeys.begin(), kKeys.end(), key) == 0) return unknown("option of a drawn plan", key, kKeys);
  if (value.is_null()) return {};
  if (key == "seed") return take_seed(options, value);
  if (key == "keep_quorum") {
    const bool* flag = std::get_if<bool>(&value.data);
    if (flag == nullptr) return wrong("keep_quorum wants true or false");
    options.keep_quorum = *flag;
    return {};
  }
  if (key == "every" || key == "for" || key == "duration") {
    const auto span = read_span(value);
    if (!span) return wrong(key + " wants a duration (\"2s\")");
    (key == "every" ? options.every : key == "for" ? options.lasts : options.duration) = *span;
    return {};
  }
  return take_names(options, key, value);
}

}  // namespace

std::vector<Kind> drawable() {
  return {Kind::partition, Kind::cut,    Kind::net,       Kind::hold, Kind::throttle, Kind::disk,
          Kind::clock,     Kind::freeze, Kind::power_off, Kind::stop, Kind::kill,     Kind::transfer};
}

Result<Plan> draw(const DrawOptions& options) {
  if (const auto fits = check(options); !fits) return fits.error();
  return Drawing(options).plan();
}

Result<DrawOptions> draw_options(std::string_view json, DrawOptions options) {
  const auto value = docker::parse_json(json);
  if (!value) return value.error();
  if (value->members() == nullptr) return wrong("the options of a drawn plan are an object");
  for (const auto& member : *value->members())
    if (const auto taken = take(options, member.key, member.value); !taken) return taken.error();
  return options;
}

std::size_t fewest_managers(const Plan& plan, const Names& managers) {
  std::size_t fewest = managers.size();
  for (const Fault& at : plan.faults) {
    const Duration moment = at.at.value_or(Duration{});
    std::set<std::string> gone;
    for (const Fault& other : plan.faults) {
      const Duration begin = other.at.value_or(Duration{});
      if (begin > moment || (other.lasts && begin + *other.lasts <= moment)) continue;
      for (const auto& name : taken_away(other)) gone.insert(name);
    }
    const auto left =
        std::count_if(managers.begin(), managers.end(), [&](const auto& m) { return !gone.contains(m); });
    fewest = std::min(fewest, static_cast<std::size_t>(left));
  }
  return fewest;
}

}  // namespace swarm::faults
