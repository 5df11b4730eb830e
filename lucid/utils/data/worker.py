"""A worker process: what it does, and the messages between it and the main process.

The main process sends ``("start", epoch)`` and ``("fetch", epoch, task, index)``. The worker answers each fetch, in
order, with a head of three integers and more (epoch, task, kind of answer, sizes of the arrays), the pickled answer
without its arrays, and the bytes of each array, which are read straight into fresh memory.
"""

from __future__ import annotations

import array
import dataclasses
import io
import os
import pickle
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, NamedTuple

import numpy as np

from lucid import engine
from lucid.ops.random import manual_seed
from lucid.utils.data.fetch import make_fetcher

BATCH, ERROR, EXHAUSTED = range(3)  # kinds of answers


@dataclasses.dataclass(frozen=True)
class WorkerInfo:
    """What a worker process knows of itself.

    Attributes:
        id: 0 to num_workers − 1.
        num_workers: how many there are.
        seed: of its random numbers: the base seed of the loader's iterator plus its id.
        dataset: its copy of the data set.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The :class:`WorkerInfo` in a worker process of a DataLoader; None in the main process.

    Example:
        >>> from lucid.utils.data import get_worker_info
        >>> get_worker_info() is None
        True
    """
    return _worker_info


class _KeyText(str):
    """The text of a KeyError, which else would be shown in quotes and on one line."""

    def __repr__(self) -> str:
        return str(self)


class CaughtError(NamedTuple):
    """An exception on its way from a worker to the main process: its class, if that can be sent, and its text."""

    kind: type[BaseException]
    text: str

    @staticmethod
    def of(error: BaseException, worker: int) -> CaughtError:
        kind = type(error)
        text = f"Caught {kind.__name__} in DataLoader worker process {worker}.\nOriginal {_trace(error)}"
        try:
            pickle.loads(pickle.dumps(kind))
        except Exception:
            kind = RuntimeError
        return CaughtError(kind, text)

    def as_exception(self) -> BaseException:
        """An exception of the class with the worker's traceback as its text; a RuntimeError if it takes no text."""
        try:
            return self.kind(_KeyText(self.text) if issubclass(self.kind, KeyError) else self.text)
        except Exception:
            return RuntimeError(self.text)


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


class Answer(NamedTuple):
    """What a worker sends for a task."""

    epoch: int
    task: int
    kind: int
    content: Any


def pack(answer: Answer) -> list[Any]:
    """An answer as the pieces to be sent: head, pickled content, arrays."""
    buffers: list[pickle.PickleBuffer] = []
    body = io.BytesIO()
    ForkingPickler(body, 5, True, buffers.append).dump(answer.content)
    arrays = [buffer.raw() for buffer in buffers]
    head = array.array("q", [answer.epoch, answer.task, answer.kind, *(a.nbytes for a in arrays)])
    return [head.tobytes(), body.getbuffer(), *arrays]


def send(connection: Connection, pieces: list[Any]) -> None:
    """Sends what :func:`pack` made."""
    connection.send_bytes(pieces[0])
    connection.send_bytes(pieces[1])
    for rest in pieces[2:]:
        while rest.nbytes:
            rest = rest[os.write(connection.fileno(), rest) :]


def receive(connection: Connection) -> Answer:
    """Receives what :func:`send` sent.

    Raises:
        EOFError: when the worker is gone.
    """
    epoch, task, kind, *sizes = array.array("q", connection.recv_bytes())
    body = connection.recv_bytes()
    buffers = [np.empty(size, np.uint8) for size in sizes]
    for buffer in buffers:
        rest = buffer.data
        while rest.nbytes:
            count = os.readv(connection.fileno(), [rest])
            if not count:
                raise EOFError
            rest = rest[count:]
    return Answer(epoch, task, kind, pickle.loads(body, buffers=buffers))


def run_worker(
    info: WorkerInfo,
    tasks: Connection,
    answers: Connection,
    inherited: list[Connection],
    init: Callable[[int], Any] | None,
    collate_fn: Callable[[Any], Any],
    batched: bool,
    drop_last: bool,
) -> None:
    """The life of a worker: it ends when the main process closes its side, or is gone.

    Args:
        info: what :func:`get_worker_info` will give.
        tasks: where the main process tells it what to do.
        answers: where it sends its batches.
        inherited: the main process's ends of pipes, which a forked process holds too and has to close, because a pipe
            ends when nobody holds its other end.
        init: the user's worker_init_fn.
        collate_fn: makes a batch of samples.
        batched: whether samples are put together in batches.
        drop_last: whether a last batch that is not full is left out (of an IterableDataset).
    """
    global _worker_info
    for connection in inherited:
        connection.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process hears it too, and closes the pipes
    engine.set_num_threads(1)
    _worker_info = info
    random.seed(info.seed)
    manual_seed(info.seed)
    np.random.seed(np.random.SeedSequence(info.seed).generate_state(4))
    failed: CaughtError | None = None
    try:
        if init is not None:
            init(info.id)
    except Exception as error:
        failed = CaughtError.of(error, info.id)

    outbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    sender = threading.Thread(target=_send_all, args=(outbox, answers), daemon=True)
    sender.start()
    fetcher = None
    while True:
        try:
            kind, epoch, *task = tasks.recv()
        except (EOFError, ConnectionError):
            break
        if kind == "start":
            try:
                fetcher = None if failed else make_fetcher(info.dataset, collate_fn, batched, drop_last)
            except Exception as error:
                failed = CaughtError.of(error, info.id)
            continue
        outbox.put(_pieces(fetcher, failed, info.id, epoch, *task))
    outbox.put(None)
    sender.join()


def _send_all(outbox: queue.SimpleQueue[Any], answers: Connection) -> None:
    """Sends batches while the worker makes the next ones; ends when nobody listens any more."""
    while (pieces := outbox.get()) is not None:
        try:
            send(answers, pieces)
        except OSError:
            return


def _pieces(fetcher: Any, failed: CaughtError | None, worker: int, epoch: int, task: int, index: Any) -> list[Any]:
    """The answer to one task."""
    if failed is not None:
        return pack(Answer(epoch, task, ERROR, failed))
    try:
        return pack(Answer(epoch, task, BATCH, fetcher.fetch(index)))
    except Exception as error:
        if isinstance(error, StopIteration) and hasattr(fetcher, "samples"):
            return pack(Answer(epoch, task, EXHAUSTED, None))
        return pack(Answer(epoch, task, ERROR, CaughtError.of(error, worker)))
