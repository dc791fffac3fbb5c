"""`python -m harness.verdicts.calibration`: the first table of docs/calibration.md."""

import sys

from harness.verdicts.calibration.simulation import main

sys.exit(main())
