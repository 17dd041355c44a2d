"""For every test: Ctrl-C means what it means in a terminal.

A shell that starts `make test` in the background has it ignore SIGINT, and children inherit that.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
