"""What surrounds a training script: data, memory for time; and, imported by its name, tensorboard."""

from lucid.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
