"""The real browser of tests that look at a page."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

import pytest


def chromium() -> str:
    """The browser of this machine; without it, or without playwright, the test is skipped, which CI does not allow."""
    found = shutil.which("chromium")
    if found is None or find_spec("playwright") is None:
        assert "CI" not in os.environ, "CI must have Debian's chromium, and playwright of the extra browser"
        pytest.skip("needs chromium, and playwright of the extra browser: the page was not looked at")
    return found
