"""Picture files, as pixels of a device."""

import io

import numpy as np
from PIL import Image

from anyrig.devices.base import Pixels


def paint(file: bytes, pixels: Pixels) -> None:
    """Write a PNG or JPEG file's picture, of whatever size it has, as blue, green, red.

    Raises:
        OSError: It is no picture.
    """
    height, width, _ = pixels.shape
    with Image.open(io.BytesIO(file)) as image:
        whole = image.convert("RGB")
    if whole.size != (width, height):
        whole = whole.resize((width, height))
    np.copyto(pixels, np.frombuffer(whole.tobytes("raw", "BGR"), np.uint8).reshape(pixels.shape))
