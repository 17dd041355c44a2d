// How text/template's html, js and urlquery escape a text.
#pragma once

#include <string>
#include <string_view>

namespace swarm::go_template {

std::string html_escaped(std::string_view text);
std::string js_escaped(std::string_view text);
std::string query_escaped(std::string_view text);

}  // namespace swarm::go_template
