assert False, "at import"


def test_never():
    pass
