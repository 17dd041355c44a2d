// Prometheus' text format, version 0.0.4: families of samples as text. Pure.
// Source: prometheus.io/docs/instrumenting/exposition_formats.
#pragma once

#include <string>
#include <vector>

#include "docker/inside.hpp"

namespace swarm::docker {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// A HELP line, a TYPE line and the samples of each, in the order given.
std::string exposition(const std::vector<Metric>& metrics);

}  // namespace swarm::docker
