from .part import VALUE
from package import part


def test_relative():
    assert VALUE == part.VALUE == 4
