"""Every error is a CifarZooError and what Python calls it too; its text is one line as it was written."""

import inspect
import pickle
import re

import pytest

from cifarzoo import errors
from cifarzoo.errors import CifarZooError, UnknownModelError

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", TREE)
def test_tree(kind):
    assert issubclass(kind, CifarZooError)
    text = "size (=3) must be even; take 2 or 4"
    assert str(kind(text)) == text
    copy = pickle.loads(pickle.dumps(kind(text)))  # errors travel from worker processes
    assert type(copy) is kind
    assert str(copy) == text


def test_docstring_draws_the_tree():
    drawn = re.findall(r"[├└]── (\w+)(?: \((\w+)\))?", errors.__doc__)
    assert {name for name, _ in drawn} == {kind.__name__ for kind in TREE} - {"CifarZooError"}
    for name, builtin in drawn:
        assert not builtin or issubclass(getattr(errors, name), __builtins__[builtin])


def test_key_error_is_not_quoted():
    with pytest.raises(KeyError) as caught:
        raise UnknownModelError("no model is named 'x'")
    assert str(caught.value) == "no model is named 'x'"
