"""``python -m relais.client.cli``."""

import sys

from relais.client.cli.run import main

sys.exit(main())
