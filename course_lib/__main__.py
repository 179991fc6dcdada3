"""``python -m course_lib`` is the ``course`` command."""

import sys

from .commands.cli import main

sys.exit(main())
