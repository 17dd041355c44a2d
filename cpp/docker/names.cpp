#include "docker/names.hpp"

#include <iterator>
#include <string>

#include "base/rng.hpp"
#include "store/store.hpp"

namespace swarm::docker {
namespace {

constexpr const char* kAdjectives[] = {
    "agile",    "amber",   "bold",     "brave",    "brisk",    "bright",   "calm",    "candid",  "cheerful",
    "clever",   "cosmic",  "crisp",    "curious",  "daring",   "dapper",   "eager",   "earnest", "elated",
    "fearless", "fluent",  "focused",  "friendly", "gallant",  "gentle",   "gifted",  "glad",    "golden",
    "graceful", "happy",   "hardy",    "hearty",   "honest",   "humble",   "jolly",   "jovial",  "keen",
    "kind",     "lively",  "lucid",    "lucky",    "mellow",   "merry",    "mindful", "modest",  "nimble",
    "noble",    "patient", "peaceful", "playful",  "polite",   "prudent",  "quick",   "quiet",   "radiant",
    "ready",    "serene",  "sharp",    "silent",   "sincere",  "smart",    "snappy",  "solid",   "spirited",
    "steady",   "sunny",   "swift",    "tidy",     "tranquil", "trusting", "upbeat",  "valiant", "vivid",
    "warm",     "wise",    "witty",    "youthful", "zealous",  "zesty"};

constexpr const char* kSurnames[] = {
    "abel",      "ampere",   "archimedes", "babbage",  "bernoulli",  "bohr",       "boole",    "cantor",
    "carson",    "cauchy",   "cerf",       "chandra",  "church",     "curie",      "darwin",   "dijkstra",
    "dirac",     "einstein", "erdos",      "euclid",   "euler",      "faraday",    "fermat",   "fermi",
    "feynman",   "floyd",    "fourier",    "franklin", "galileo",    "galois",     "gauss",    "germain",
    "godel",     "goodall",  "gray",       "hamilton", "hawking",    "heisenberg", "hertz",    "hilbert",
    "hoare",     "hopper",   "hubble",     "huygens",  "hypatia",    "joule",      "kepler",   "khayyam",
    "kilby",     "knuth",    "lagrange",   "lamarr",   "lamport",    "laplace",    "leibniz",  "liskov",
    "lovelace",  "maxwell",  "meitner",    "mendel",   "mirzakhani", "napier",     "newton",   "noether",
    "nobel",     "ohm",      "ongaro",     "pascal",   "pasteur",    "planck",     "poincare", "ptolemy",
    "ramanujan", "riemann",  "ritchie",    "rosalind", "sagan",      "shannon",    "shamir",   "tesla",
    "thompson",  "turing",   "volta",      "watt",     "wiles",      "wing",       "wright",   "wu"};

std::string draw(Rng& rng) {
  const std::string adjective = kAdjectives[rng.below(std::size(kAdjectives))];
  const std::string surname = kSurnames[rng.below(std::size(kSurnames))];
  return adjective + "_" + surname;
}

}  // namespace

std::string invent_name(const store::Store& store, Rng& rng) {
  std::string name = draw(rng);
  for (int tries = 0; tries < 5 && store.service_named(name); ++tries) name = draw(rng);
  while (store.service_named(name)) name += std::to_string(rng.below(10));
  return name;
}

}  // namespace swarm::docker
