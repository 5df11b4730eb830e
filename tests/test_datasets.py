"""The digits that come with the package."""

import numpy as np
import pytest

import lucid


def test_all_digits_are_there():
    images, labels = lucid.datasets.digits()
    assert images.dtype is lucid.float32 and labels.dtype is lucid.int64
    assert tuple(images.shape) == (1797, 1, 8, 8) and tuple(labels.shape) == (1797,)
    pixels = images.numpy() * 16
    assert pixels.min() == 0 and pixels.max() == 16 and np.array_equal(pixels, np.round(pixels))
    # The counts and sums of the original file.
    assert np.bincount(labels.numpy()).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert pixels.sum(dtype=np.float64) == 561718
    assert pixels[0, 0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0] and labels.numpy()[:5].tolist() == [0, 1, 2, 3, 4]


def test_train_and_test_are_the_whole():
    images, labels = (t.numpy() for t in lucid.datasets.digits("all"))
    train_images, train_labels = (t.numpy() for t in lucid.datasets.digits("train"))
    test_images, test_labels = (t.numpy() for t in lucid.datasets.digits("test"))
    assert len(train_labels) == 1438 and len(test_labels) == 359

    def rows(pictures, classes):
        return sorted(map(bytes, np.c_[pictures.reshape(len(classes), 64) * 16, classes].astype(np.uint8)))

    together = rows(np.concatenate([train_images, test_images]), np.concatenate([train_labels, test_labels]))
    assert together == rows(images, labels)


def test_held_out_is_a_fifth_of_each_digit():
    for seed in range(5):
        _, labels = lucid.datasets.digits("test", seed=seed)
        assert np.bincount(labels.numpy()).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]


def test_seed_decides_what_is_held_out():
    first, again, other = (lucid.datasets.digits("test", seed=s)[0].numpy() for s in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_held_out_images_never_change():
    """The same on every machine and with every NumPy: accuracies can be compared."""
    images, labels = lucid.datasets.digits("test")
    position = np.arange(1, 360)
    assert int((labels.numpy() * position).sum()) == 293451
    assert int((images.numpy().reshape(359, 64).sum(1) * 16 * position).sum()) == 20012843


def test_global_random_numbers_are_not_touched():
    lucid.manual_seed(3)
    before = lucid.rand(4).numpy()
    lucid.manual_seed(3)
    lucid.datasets.digits("train")
    assert np.array_equal(before, lucid.rand(4).numpy())


def test_tensors_are_fresh():
    images, _ = lucid.datasets.digits()
    images.numpy()[:] = 0
    assert lucid.datasets.digits()[0].numpy().max() == 1


def test_unknown_split():
    with pytest.raises(ValueError, match="'train', 'test' or 'all', not 'validation'"):
        lucid.datasets.digits("validation")
