#!/bin/sh
# Layout and types: clang-format, ruff, mypy --strict on the public package.
set -eu
cd "$(dirname "$0")/.."
git ls-files 'cpp/*.cpp' 'cpp/*.hpp' | xargs -r clang-format-14 --dry-run -Werror
.venv/bin/ruff check python tests scripts bench
.venv/bin/ruff format --check python tests scripts bench
.venv/bin/mypy --strict python/swarmpy
