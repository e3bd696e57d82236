"""A module of the pack, found because pytest puts the test's folder on sys.path."""


def check(number):
    assert number == 4
