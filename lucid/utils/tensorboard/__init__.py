"""SummaryWriter: what happens in a training, written for TensorBoard to show. It needs the package ``tensorboard``."""

try:
    import tensorboard  # noqa: F401
except ImportError as problem:
    raise ImportError("lucid.utils.tensorboard needs the package tensorboard: pip install tensorboard") from problem

from lucid.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
