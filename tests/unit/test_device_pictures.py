"""Files of pictures, read by another library."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from anyrig.devices.process.png import png

THREADS = ThreadPoolExecutor(3)


@given(width=st.integers(1, 40), height=st.integers(1, 40), seed=st.integers(0, 9))
def test_a_png_of_any_size_has_the_same_pixels(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    image = Image.open(io.BytesIO(png(pixels, THREADS)))
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image)[..., ::-1], pixels)
