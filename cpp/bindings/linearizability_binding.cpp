// _core.check_history: is a history linearizable? Values are texts here; what they mean is Python's business.

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/binding.hpp"
#include "bindings/world_host.hpp"
#include "linearizability/check.hpp"
#include "linearizability/history.hpp"
#include "linearizability/search.hpp"

namespace swarm::bindings {
namespace {

namespace lin = linearizability;

// client, key, kind, value, expected, seen, succeeded, call, returned
using Row =
    std::tuple<std::string, std::string, std::string, std::string, std::string, std::vector<std::string>,
               std::optional<bool>, std::int64_t, std::optional<std::int64_t>>;

lin::Operation operation_of(Row&& row) {
  auto& [client, key, word, value, expected, seen, succeeded, call, returned] = row;
  const auto kind = lin::parse_kind(word);
  if (!kind) throw UsageError("there is no kind of operation named " + word);
  lin::Operation op{std::move(client), std::move(key), *kind, std::move(value), std::move(expected),
                    std::move(seen),   succeeded,      call,  returned};
  if (!op.returned) op.succeeded.reset();
  return op;
}

// Ctrl-C is looked for between two slices; it raises when the search has let go.
lin::Verdict checked(const lin::History& history, lin::Model model, std::uint64_t max_steps) {
  bool interrupted = false;
  lin::Verdict verdict;
  {
    const py::gil_scoped_release release;
    verdict = lin::check(history, model, lin::Budget(max_steps, [&] {
                           const py::gil_scoped_acquire acquire;
                           interrupted = PyErr_CheckSignals() != 0;
                           return !interrupted;
                         }));
  }
  if (interrupted) throw py::error_already_set();
  return verdict;
}

const char* word(lin::Verdict::Word verdict) {
  if (verdict == lin::Verdict::Word::linearizable) return "linearizable";
  return verdict == lin::Verdict::Word::contradiction ? "contradiction" : "unknown";
}

// (word, key, window, smallest, steps)
py::tuple check_history(std::vector<Row> rows, const std::string& model_word, std::uint64_t max_steps) {
  const auto model = lin::parse_model(model_word);
  if (!model) throw UsageError("there is no model named " + model_word);
  lin::History history;
  history.reserve(rows.size());
  for (Row& row : rows) history.push_back(operation_of(std::move(row)));
  if (auto wrong = lin::malformed(history, *model); !wrong.empty()) throw UsageError(wrong);
  const lin::Verdict verdict = checked(history, *model, max_steps);
  return py::make_tuple(word(verdict.word), verdict.key, verdict.window, verdict.smallest, verdict.steps);
}

}  // namespace

void define_linearizability(py::module_& module) {
  module.def("check_history", &check_history, py::arg("operations"), py::arg("model"), py::arg("max_steps"));
}

}  // namespace swarm::bindings
