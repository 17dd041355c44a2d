// GET /metrics, and its format
#include "docker/metrics.hpp"

#include <string>
#include <vector>

#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/handlers.hpp"
#include "docker/inside.hpp"
#include "docker/waits.hpp"

namespace swarm::docker {
namespace {

// A backslash and a line's end are escaped everywhere, quotes in values of labels.
std::string escaped(const std::string& text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string label_list(const Metric::Sample& sample) {
  std::string out;
  for (const auto& [name, value] : sample.labels)
    out += (out.empty() ? "{" : ",") + name + "=\"" + escaped(value, true) + '"';
  return out.empty() ? out : out + '}';
}

}  // namespace

std::string exposition(const std::vector<Metric>& metrics) {
  std::string out;
  for (const Metric& metric : metrics) {
    const bool counts = metric.type == Metric::Type::counter;
    out += "# HELP " + metric.name + ' ' + escaped(metric.help, false) + '\n';
    out += "# TYPE " + metric.name + (counts ? " counter\n" : " gauge\n");
    for (const Metric::Sample& sample : metric.samples)
      out += metric.name + label_list(sample) + ' ' + sample.value + '\n';
  }
  return out;
}

void show_metrics(Call& call) { call.replies.ask(call.id, AskMetrics{}, ShowsMetrics{}); }

void say(const ShowsMetrics&, Replies& replies, ApiId id, const std::vector<Metric>& metrics,
         const Context&) {
  replies.reply_as(id, kMetricsContentType, exposition(metrics));
}

}  // namespace swarm::docker
