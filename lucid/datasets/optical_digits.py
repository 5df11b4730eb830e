"""Handwritten digits, 8 by 8: the test part of UCI's "Optical Recognition of Handwritten Digits" (see digits.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lucid import engine
from lucid.tensor import Tensor

FILE = Path(__file__).with_name("digits.npz")
BRIGHTEST = 16  # pixels are counts from 0 to 16


def digits(split: str = "all", seed: int = 0) -> tuple[Tensor, Tensor]:
    """Handwritten digits: 1,797 images of 8 by 8 pixels, about 180 of each digit.

    A fifth (359 images) can be held out for testing. It is drawn from each digit in proportion, so both parts hold all
    ten digits alike, and it is the same fifth on every machine and at every call with the same seed.

    Args:
        split: ``"train"`` for the 1,438 images to learn from, ``"test"`` for the 359 held out, ``"all"`` for both.
        seed: which fifth is held out. No other random number is touched.

    Returns:
        ``(images, labels)``: float32 of shape (n, 1, 8, 8), from 0 (paper) to 1 (ink), and int64 of shape (n,), from
        0 to 9; in the order of the original file.

    Raises:
        ValueError: for another split.

    Source:
        E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
        https://doi.org/10.24432/C50P49; licence CC BY 4.0.

    Example:
        >>> images, labels = lucid.datasets.digits("train")
        >>> images.shape, labels.shape
        ((1438, 1, 8, 8), (1438,))
    """
    if split not in ("train", "test", "all"):
        raise ValueError(f"digits: split must be 'train', 'test' or 'all', not {split!r}")
    with np.load(FILE, allow_pickle=False) as file:
        images, labels = file["images"], file["labels"]
    if split != "all":
        chosen = _held_out(labels, seed) == (split == "test")
        images, labels = images[chosen], labels[chosen]
    return engine.wrap(images[:, np.newaxis].astype(np.float32) / BRIGHTEST), engine.wrap(labels.astype(np.int64))


def _held_out(labels: np.ndarray, seed: int) -> np.ndarray:
    """Which images are held out, as booleans: a fifth of each digit."""
    random = np.random.RandomState(seed)  # its numbers never change from one NumPy to the next (NEP 19)
    held_out = np.zeros(len(labels), bool)
    for digit in range(10):
        places = np.flatnonzero(labels == digit)
        held_out[random.permutation(places)[: round(len(places) / 5)]] = True
    return held_out
