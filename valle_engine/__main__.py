"""`python -m valle_engine` is `valle`."""

import sys

from valle_engine.cli import main

sys.exit(main())
