// What the image redis stands for here: a small server in memory that speaks Redis' protocol. PING, ECHO,
// SET, GET, DEL, EXISTS, INCR, DBSIZE, FLUSHALL, INFO, SELECT, COMMAND, CLIENT, QUIT; others are errors in
// Redis' words. NOT a database: nothing outlives the task, no two tasks share anything.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace swarm::web {

class Redis {
 public:
  // Takes whole requests off the front of `in`. `close`: the client said QUIT, or what is no protocol.
  std::string answers(std::string& in, bool& close);

 private:
  std::string answer(std::vector<std::string> words, bool& close);
  std::map<std::string, std::string> values_;
};

}  // namespace swarm::web
