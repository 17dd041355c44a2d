// The nearest right word: what a word that is not known was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace swarm::faults {

// "" where nothing is near; the case of letters does not count.
std::string nearest(std::string_view word, const std::vector<std::string>& known);
// `Did you mean "m1"? There are: m1, m2.`
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);
// `there is no fault "kil"`, with the hint above.
Error unknown(std::string_view what, std::string_view word, const std::vector<std::string>& known);
// The whole of an error in one line: what, and what to do next.
std::string sentence(const Error& error);

}  // namespace swarm::faults
