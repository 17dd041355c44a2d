// Boost.JSON's own code, compiled once here: the distribution's static library is not position independent
// and could not go into a Python module.
#include <boost/json/src.hpp>
