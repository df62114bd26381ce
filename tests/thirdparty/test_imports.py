"""Laws that hold with and without the third-party packages: imports wait, and what is missing is named."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from lowerbound.caches.thirdparty.kvpress.key_scores import KnormPress
from lowerbound.caches.thirdparty.torch_tokens import foreign
from lowerbound.errors import InvalidArgument
from tests.thirdparty.playing import NAMES, adapter, public


def test_an_adapter_module_imports_nothing_third_party() -> None:
    """Law: knowing all adapters, and stating their facts, loads no third-party package."""
    program = (
        "import sys; from tests.thirdparty.playing import NAMES, adapter; [adapter(n).facts() for n in NAMES];"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'transformers', 'kvpress', 'hqq', 'fla'}))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_stated(name: str) -> None:
    """Definition: every adapter states its package, version and class, its idea, its bits and what breaks it."""
    cache = adapter(name)
    facts = cache.facts()
    assert facts.family == "third-party"
    assert any(f"{package} " in facts.reference for package in ("kvpress", "transformers", "fla-core"))
    assert facts.idea.endswith(".")
    assert bool(facts.budget_meaning) == (facts.default_budget is not None)
    text = " ".join((cache.__doc__ or "").split())
    assert "Idea: " in text
    assert "Bits" in text
    assert "Broken by: " in text


def test_a_missing_package_is_named_with_the_extra() -> None:
    """Bad input: one sentence that says what is missing and how to install it."""
    with pytest.raises(InvalidArgument, match=r"'no_such_package'.* pip install 'lowerbound\[thirdparty\]'$"):
        foreign("no_such_package")


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed here")
def test_without_torch_an_adapter_cannot_be_made() -> None:
    """Bad input: the adapter can be looked up, but not made."""
    with pytest.raises(InvalidArgument, match=r"'torch'.* pip install 'lowerbound\[thirdparty\]'$"):
        KnormPress(public())
