"""A module of the pack's own, and of the kind that packs of stb-tester have: ``import stbt``."""

import stbt


class Menu(stbt.FrameObject):
    @property
    def is_visible(self):
        return bool(self._marker)

    @property
    def focus(self):
        return stbt.ocr(self._frame, region=stbt.Region(130, self._marker.region.y - 10, width=300, height=60))

    @property
    def _marker(self):
        return stbt.match("marker.png", frame=self._frame)


def home():
    stbt.press("KEY_BACK")
    menu = stbt.wait_until(Menu)
    for _ in range(3):
        if menu._marker.region.y < 80:
            return menu
        stbt.press_and_wait("KEY_UP", stable_secs=0.3)
        menu = Menu()
    raise AssertionError("the marker does not move")
