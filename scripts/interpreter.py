"""What a wheel must know of the interpreter that runs this: "TAG;SUFFIX;HEADERS", as CMake reads lists.

    PYTHON interpreter.py     cp312;.cpython-312-x86_64-linux-gnu.so;/usr/include/python3.12

Exit 1 and a reason when no extension can be built for it. Runs on any Python 3.
"""

import pathlib
import sys
import sysconfig


def main():
    major, minor = sys.version_info[:2]
    headers = pathlib.Path(sysconfig.get_paths()["include"])
    if sys.implementation.name != "cpython":
        return "is no CPython"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "is a free-threaded build"
    if not (headers / "Python.h").exists():
        return f"has no headers (on Debian: python{major}.{minor}-dev)"
    print(f"cp{major}{minor}", sysconfig.get_config_var("EXT_SUFFIX"), headers, sep=";")
    return None


if __name__ == "__main__":
    sys.exit(main())
