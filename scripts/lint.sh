#!/bin/sh
# Layout and types: clang-format, ruff, mypy --strict on the public package. Then what is declared in vain, functions
# that are long or intricate without a reason, and sentences that are riddles.
set -eu
cd "$(dirname "$0")/.."
git ls-files 'cpp/*.cpp' 'cpp/*.hpp' | xargs -r clang-format-14 --dry-run -Werror
.venv/bin/ruff check python tests scripts bench
.venv/bin/ruff format --check python tests scripts bench
.venv/bin/mypy --strict python/swarmpy
.venv/bin/python scripts/dead_declarations.py
.venv/bin/python scripts/function_sizes.py
.venv/bin/python scripts/plain_english.py
