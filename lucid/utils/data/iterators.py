"""The iterators of a DataLoader: batches made here, or in worker processes."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import time
import warnings
import weakref
from collections import deque
from collections.abc import Iterator
from multiprocessing import connection
from typing import Any

import numpy as np

from lucid.utils.data.collate import default_collate
from lucid.utils.data.dataset import take_rows, tensors_of
from lucid.utils.data.fetch import make_fetcher
from lucid.utils.data.sampler import BatchSampler, RandomSampler, draw_seed
from lucid.utils.data.worker import ERROR, EXHAUSTED, Answer, WorkerInfo, receive, run_worker

SECONDS_TO_END = 5.0  # that a worker has to finish its task when it is no longer needed


class BatchIterator:
    """What both iterators have in common."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._base_seed = draw_seed(loader.generator)
        self._start()

    def _start(self) -> None:
        self._indices: Iterator[Any] = iter(self._loader._index_sampler)
        self._yielded = 0
        self._promised: int | None = self._loader._promised

    def __iter__(self) -> BatchIterator:
        return self

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __next__(self) -> Any:
        batch = self._next()
        self._yielded += 1
        if self._promised is not None and self._yielded > self._promised:
            warnings.warn(
                f"the length of {type(self._loader.dataset).__name__} was reported to be {self._promised} when "
                f"len(dataloader) was called, but {self._yielded} batches have come. With workers, each must give its "
                "own share of the samples; see get_worker_info",
                stacklevel=2,
            )
            self._promised = None
        return batch

    def _next(self) -> Any:
        raise NotImplementedError


class Rows(BatchIterator):
    """Batches of a plain TensorDataset in the order of a RandomSampler: the order is an array, cut into batches."""

    def _start(self) -> None:
        super()._start()
        self._rows = self._batches()

    def _batches(self) -> Iterator[Any]:
        loader = self._loader
        size, tensors = loader.batch_size, tensors_of(loader.dataset) or ()
        left = np.empty(0, np.int64)
        for numbers in loader.sampler.rounds():
            left = np.concatenate([left, numbers]) if left.size else numbers
            for begin in range(0, left.size - size + 1, size):
                yield take_rows(tensors, left[begin : begin + size])
            left = left[left.size - left.size % size :]
        if left.size and not loader.drop_last:
            yield take_rows(tensors, left)

    def _next(self) -> Any:
        return next(self._rows)

    @staticmethod
    def can_read(loader: Any) -> bool:
        """Whether the batches of a loader are such rows."""
        return (
            type(loader.batch_sampler) is BatchSampler
            and loader.batch_sampler.sampler is loader.sampler
            and type(loader.sampler) is RandomSampler
            and loader.batch_size is not None
            and loader.collate_fn is default_collate
            and tensors_of(loader.dataset) is not None
        )


class InProcess(BatchIterator):
    """Batches made by the main process, when they are asked for."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._fetcher = make_fetcher(loader.dataset, loader.collate_fn, loader._batched, loader.drop_last)

    def _next(self) -> Any:
        return self._fetcher.fetch(next(self._indices))


class Worker:
    """A worker process as the main process sees it.

    Attributes:
        process: it.
        tasks: the pipe to it.
        answers: the pipe from it.
        waiting: how many tasks it has not answered.
        exhausted: whether its part of an IterableDataset has ended.
    """

    def __init__(self, loader: Any, info: WorkerInfo, others: list[Worker]) -> None:
        context = loader._context
        its_tasks, self.tasks = context.Pipe(duplex=False)
        self.answers, its_answers = context.Pipe(duplex=False)
        ends = [end for worker in (*others, self) for end in (worker.tasks, worker.answers)]
        inherited = ends if context.get_start_method() == "fork" else []
        what = (loader.worker_init_fn, loader.collate_fn, loader._batched, loader.drop_last)
        self.process = context.Process(
            target=run_worker, args=(info, its_tasks, its_answers, inherited, *what), daemon=True
        )
        try:
            self.process.start()
        except BaseException:
            self.tasks.close()
            self.answers.close()
            raise
        finally:
            its_tasks.close()
            its_answers.close()
        self.waiting = 0
        self.exhausted = False

    def how_it_ended(self) -> str:
        self.process.join(SECONDS_TO_END)
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"was killed by signal {signal.Signals(-code).name}"
        return f"exited with code {code}"


def shut_down(workers: list[Worker], owner: int) -> None:
    """Ends worker processes: those that do not end by themselves are killed. None is left as a zombie."""
    if os.getpid() != owner:  # a forked process, to which they do not belong
        return
    for worker in workers:
        worker.tasks.close()
        worker.answers.close()
    deadline = time.monotonic() + SECONDS_TO_END
    for worker in workers:
        worker.process.join(max(deadline - time.monotonic(), 0))
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()
        worker.process.close()
    workers.clear()


class InWorkers(BatchIterator):
    """Batches made by worker processes ahead of time: task i by worker i modulo their number.

    Each worker has ``prefetch_factor`` tasks to do at any time; a new one is given out for each batch taken.
    """

    def __init__(self, loader: Any) -> None:
        self._workers: list[Worker] = []
        self._finalizer = weakref.finalize(self, shut_down, self._workers, os.getpid())
        self._epoch = 0
        super().__init__(loader)

    @property
    def closed(self) -> bool:
        """Whether its workers are gone."""
        return not self._finalizer.alive

    def close(self) -> None:
        """Ends the workers."""
        self._finalizer()

    def restart(self, promised: int | None) -> None:
        """Begins another epoch with the same workers."""
        self._loader._promised = promised
        self._start()

    def _start(self) -> None:
        super()._start()
        loader, n = self._loader, self._loader.num_workers
        self._epoch += 1
        self._task = 0  # the number of the next one
        self._pending: deque[tuple[int, Worker]] = deque()  # given out and not yet taken, in order
        try:
            if not self._workers:
                for i in range(n):
                    info = WorkerInfo(i, n, self._base_seed + i, loader.dataset)
                    self._workers.append(Worker(loader, info, list(self._workers)))
            for worker in self._workers:
                worker.waiting, worker.exhausted = 0, False
                self._tell(worker, ("start", self._epoch))
            self._turns = itertools.cycle(self._workers)
            for _ in range(n * loader.prefetch_factor):
                self._give_task()
        except BaseException:
            self.close()
            raise

    def _tell(self, worker: Worker, message: Any) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended: seen when its answer is waited for
            worker.tasks.send(message)

    def _lost(self, worker: Worker) -> None:
        text = f"DataLoader worker (pid {worker.process.pid}) {worker.how_it_ended()} without a word"
        self.close()
        raise RuntimeError(text)

    def _give_task(self) -> None:
        """Gives the next worker that has samples something to do, if there is something."""
        active = [worker for worker in self._workers if not worker.exhausted]
        if not active:
            return
        try:
            index = next(self._indices)
        except StopIteration:
            return
        if self._loader.in_order:
            worker = next(worker for worker in self._turns if not worker.exhausted)
        else:
            worker = min(active, key=lambda worker: worker.waiting)
        self._tell(worker, ("fetch", self._epoch, self._task, index))
        worker.waiting += 1
        self._pending.append((self._task, worker))
        self._task += 1

    def _next(self) -> Any:
        try:
            while True:
                while self._pending and self._pending[0][1].exhausted:
                    self._pending.popleft()
                if self.closed or not self._pending:
                    if not self._loader.persistent_workers:
                        self.close()
                    raise StopIteration
                answer, worker = self._answer()
                self._pending.remove((answer.task, worker))
                worker.waiting -= 1
                if answer.kind == EXHAUSTED:
                    worker.exhausted = True
                self._give_task()
                if answer.kind == ERROR:
                    raise answer.content.as_exception()
                if answer.kind != EXHAUSTED:
                    return answer.content
        except (KeyboardInterrupt, SystemExit):
            self.close()
            raise

    def _answer(self) -> tuple[Answer, Worker]:
        """The next answer: of the oldest task, or of any when the order does not matter."""
        timeout = self._loader.timeout or None
        if self._loader.in_order:
            asked = [self._pending[0][1]]
        else:
            asked = [worker for worker in self._workers if worker.waiting and not worker.exhausted]
        while True:
            sources: list[Any] = [worker.answers for worker in asked] + [worker.process.sentinel for worker in asked]
            ready = connection.wait(sources, timeout)
            if not ready:
                raise RuntimeError(f"DataLoader timed out after {self._loader.timeout} seconds")
            worker = next((worker for worker in asked if worker.answers in ready), None)
            if worker is None:
                self._lost(next(worker for worker in asked if worker.process.sentinel in ready))
                continue
            try:
                answer = receive(worker.answers)
            except (EOFError, ConnectionResetError):
                self._lost(worker)
                continue
            if answer.epoch == self._epoch:  # others were asked for in an epoch that was left early
                return answer, worker
