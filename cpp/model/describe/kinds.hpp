// The fields of every kind of object.
#pragma once

#include "model/describe/cluster.hpp"
#include "model/describe/key_value.hpp"
#include "model/describe/network.hpp"
#include "model/describe/node.hpp"
#include "model/describe/service.hpp"
#include "model/describe/task.hpp"
