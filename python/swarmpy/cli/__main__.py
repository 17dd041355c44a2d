"""`python -m swarmpy.cli` is the command `swarmpy`."""

import sys

from swarmpy.cli.main import main

sys.exit(main())
