"""Pictures in the forms in which Python has them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Sequence, Union

if TYPE_CHECKING:
    import numpy
    import numpy.typing
    import PIL.Image

    #: A picture: its file, uint8 values [height, width] or [height, width, 1 or 3], or an image of Pillow.
    PictureLike = Union[str, os.PathLike[str], numpy.typing.NDArray[numpy.uint8], PIL.Image.Image]

    #: What the native part takes: a file, or bytes with height, width and channels.
    NativePicture = Union[str, os.PathLike[str], tuple[bytes, int, int, int]]


def is_one(pictures: PictureLike | Sequence[PictureLike]) -> bool:
    """Whether it is one picture, and no sequence of several."""
    return isinstance(pictures, (str, os.PathLike)) or _is_pillow(pictures) or hasattr(pictures, "ndim")


def native(picture: PictureLike) -> NativePicture:
    """A picture as the native part takes it.

    Raises ``TypeError`` or ``ValueError`` for values that are no picture.
    """
    if isinstance(picture, (str, os.PathLike)):
        return picture
    return _of_array(_of_pillow(picture) if _is_pillow(picture) else picture)


def _is_pillow(picture: Any) -> bool:
    return hasattr(picture, "getbands") and hasattr(picture, "convert")


def _of_pillow(image: Any) -> Any:
    import numpy
    from PIL import Image, ImageOps

    # As a file is read: turned as the camera says, and laid on white where it is transparent.
    upright = ImageOps.exif_transpose(image)
    kind = "L" if upright.mode in ("1", "L", "LA") else "RGB"
    if "A" in upright.getbands() or "transparency" in upright.info:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    return numpy.asarray(upright if upright.mode == kind else upright.convert(kind))


def _of_array(array: Any) -> tuple[bytes, int, int, int]:
    import numpy

    values = numpy.asarray(array)
    if values.dtype != numpy.uint8:
        raise TypeError(
            f"a picture's values are whole numbers from 0 to 255 (uint8), and these are {values.dtype}; "
            "of values from 0 to 1 make (255 * picture).round().astype('uint8')"
        )
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or values.shape[2] not in (1, 3):
        raise ValueError(
            f"a picture has the shape (height, width), (height, width, 1) or (height, width, 3), and this has {values.shape}; "
            "several pictures are a list: list(pictures)"
        )
    height, width, channels = values.shape
    return values.tobytes(), height, width, channels
