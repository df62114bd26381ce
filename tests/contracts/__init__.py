"""What every cache promises, as classes of laws that the test of each cache inherits."""

import pytest

pytest.register_assert_rewrite("tests.contracts.laws")
