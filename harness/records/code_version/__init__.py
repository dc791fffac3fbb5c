"""The version of the code that can change a trial's result: only reachable definitions count."""

from harness.records.code_version.links import COUNTED, counts
from harness.records.code_version.reach import CHECKOUT, reached, version_of
from harness.records.code_version.source_tree import SourceTree

__all__ = ["CHECKOUT", "COUNTED", "SourceTree", "counts", "reached", "version_of"]
