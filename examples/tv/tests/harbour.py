"""The pages of Harbour TV, as a viewer sees them."""

from stbt_core import FrameObject, Region, match, ocr, press, press_and_wait, wait_until

TILES = tuple(Region(72 + n * 292, 250, 260, 200) for n in range(4))
ROWS = tuple(Region(72, 150 + n * 75, 760, 75) for n in range(4))
LIGHT = 200


def is_lit(frame, x, y):
    """Whether there is something selected at this point: white, in an otherwise dark picture."""
    return int(frame[y, x].min()) > LIGHT


class Home(FrameObject):
    """The page with the four tiles."""

    @property
    def is_visible(self):
        return bool(match("images/logo.png", frame=self._frame, region=Region(60, 30, 330, 90)))

    @property
    def selection(self):
        """The selected tile's label."""
        for tile in TILES:
            if is_lit(self._frame, tile.x + 130, tile.y + 30):
                return ocr(frame=self._frame, region=tile.extend(x=20, y=110, right=-20, bottom=-20)).strip()
        return None


class Titled(FrameObject):
    """Any page with a title in its corner."""

    @property
    def is_visible(self):
        return bool(self.title)

    @property
    def title(self):
        return ocr(frame=self._frame, region=Region(60, 40, 420, 70)).strip()


class Settings(Titled):
    """The list of settings."""

    @property
    def is_visible(self):
        return self.title == "Settings"

    def value(self, row):
        """What the row shows at its right end."""
        return ocr(frame=self._frame, region=ROWS[row].extend(x=430)).strip()


class Banner(FrameObject):
    """What live TV says of the channel, for three seconds."""

    @property
    def is_visible(self):
        return bool(self.channel)

    @property
    def channel(self):
        return ocr(frame=self._frame, region=Region(80, 555, 500, 60)).strip()


def go_home():
    press("KEY_HOME")
    home = wait_until(Home, timeout_secs=8)
    assert home, "there is no home page"
    return home


def move(key):
    """Press an arrow; the home page once nothing moves any more."""
    moved = press_and_wait(key, timeout_secs=5, stable_secs=0.3)
    assert moved, f"{key} moved nothing: {moved.status}"
    return Home(frame=moved.frame)


def select(label):
    """From anywhere to the home page with this tile selected."""
    home = go_home()
    for _ in TILES:
        if home.selection == label:
            return home
        home = move("KEY_RIGHT")
    raise AssertionError(f"there is no tile '{label}'")


def open_tile(label):
    """From anywhere to the page behind a tile."""
    select(label)
    press("KEY_OK")
