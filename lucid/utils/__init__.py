"""What surrounds a training script: data, memory for time, and (imported by name, it needs a package of its own) tensorboard."""

from lucid.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
