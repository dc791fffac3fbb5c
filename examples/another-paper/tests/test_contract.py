from harness.testing.contract import *
