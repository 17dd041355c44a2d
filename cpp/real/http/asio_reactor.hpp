// What a Reactor is made of, for the few files that speak Asio.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "real/http/reactor.hpp"

namespace swarm::real {

struct Reactor::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
};

inline boost::asio::io_context& context_of(Reactor& reactor) { return reactor.impl().context; }

}  // namespace swarm::real
