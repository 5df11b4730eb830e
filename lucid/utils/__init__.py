"""What surrounds a training script: data, and (imported by name, it needs a package of its own) tensorboard."""

from lucid.utils import data

__all__ = ["data"]
