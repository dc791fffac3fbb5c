from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.page import Findings, publish

FOUND = Findings("First", "Two were tried.", ("what", "count"), [("a", 2)], ["one was lost"])


def test_findings_replace_their_own_section_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nWords.\n\n## First\n\nold\n\nolder\n\n## Second\n\nstays\n")
    publish(FOUND, page)
    publish(FOUND, page)
    table = "| what   |   count |\n|--------|---------|\n| a      |       2 |"
    expected = f"Two were tried.\n\n{table}\n\n- one was lost"
    assert page.read_text() == f"# Title\n\nWords.\n\n## First\n\n{expected}\n\n## Second\n\nstays\n"


def test_a_page_without_the_section_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n")
    with pytest.raises(ValueError, match="has no section 'First'"):
        publish(FOUND, page)
    assert page.read_text() == "# Title\n"
