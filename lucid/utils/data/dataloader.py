"""PyTorch's longer path to DataLoader and what it makes batches with."""

from lucid.utils.data.collate import default_collate, default_convert
from lucid.utils.data.loader import DataLoader
from lucid.utils.data.worker import get_worker_info

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]
