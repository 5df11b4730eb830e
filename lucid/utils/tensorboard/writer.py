"""SummaryWriter: records in an event file."""

from __future__ import annotations

import io
import os
import socket
import sys
import time
from datetime import datetime
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from lucid.utils.tensorboard import summary


class SummaryWriter:
    """Writes what happens in a training to a folder that ``tensorboard --logdir`` shows. A context manager.

    Every ``add_`` method takes the name (``tag``) under which to show it, ``global_step`` (its place in the training)
    and ``walltime`` (seconds since 1970; now).

    Args:
        log_dir: the folder; None for ``runs/<date>_<host><comment>``.
        comment: ends the name of the folder, if that is not given.
        purge_step: tells TensorBoard to forget what was written from this step on, when a training starts again there.
        max_queue: how many records wait to be written before ``add_`` waits too.
        flush_secs: seconds after which waiting records are written.
        filename_suffix: ends the name of the event file.

    Example:
        >>> import os, tempfile
        >>> from lucid.utils.tensorboard import SummaryWriter
        >>> folder = tempfile.mkdtemp()
        >>> with SummaryWriter(folder) as writer:
        ...     for step in range(3):
        ...         writer.add_scalar("loss", 1 / (step + 1), step)
        >>> len(os.listdir(folder))
        1
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            log_dir = os.path.join("runs", f"{datetime.now():%b%d_%H-%M-%S}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self.purge_step = purge_step
        self._options = (max_queue, flush_secs, filename_suffix)
        self._writers: dict[str, EventFileWriter] = {}
        self._writer()

    def _writer(self, folder: str = "") -> EventFileWriter:
        """The event file of a folder inside log_dir; made, or made anew after :meth:`close`."""
        if folder not in self._writers:
            made = self._writers[folder] = EventFileWriter(os.path.join(self.log_dir, folder), *self._options)
            if self.purge_step is not None:
                for event in (
                    Event(file_version="brain.Event:2"),
                    Event(session_log=SessionLog(status=SessionLog.START)),
                ):
                    event.step, event.wall_time = self.purge_step, time.time()
                    made.add_event(event)
                if not folder:
                    self.purge_step = None
        return self._writers[folder]

    def _add(self, record: Summary, step: Any, walltime: float | None, folder: str = "") -> None:
        event = Event(summary=record, wall_time=time.time() if walltime is None else walltime)
        if step is not None:
            event.step = int(step)
        self._writer(folder).add_event(event)

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number.

        Args:
            tag: its name; ``a/b`` is shown as b in the group a.
            scalar_value: a number, or a tensor or array of one.
            global_step: its place in the training.
            walltime: seconds since 1970; now.
            new_style: write it as a tensor, which newer versions of TensorBoard read.
            double_precision: write it as float64 (a tensor too), not as float32.

        Raises:
            ValueError: for a tensor of more numbers, or none.
        """
        self._add(summary.scalar(tag, scalar_value, new_style, double_precision), global_step, walltime)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: dict[str, Any], global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Several numbers to be shown in one picture, each in an event file in a folder of its own.

        Args:
            main_tag: the name of the picture.
            tag_scalar_dict: the numbers by name.
            global_step: their place in the training.
            walltime: seconds since 1970; now.
        """
        for tag, value in tag_scalar_dict.items():
            folder = f"{main_tag}_{tag}".replace("/", "_")
            self._add(summary.scalar(main_tag, value), global_step, walltime, folder)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How the numbers of a tensor are distributed.

        Args:
            tag: its name.
            values: a tensor or array of any shape.
            global_step: its place in the training.
            bins: "tensorflow" (edges that grow by a tenth each), or what ``numpy.histogram`` takes.
            walltime: seconds since 1970; now.
            max_bins: join neighbouring bins until there are no more than these.

        Raises:
            ValueError: for no numbers, or some that are not finite.
        """
        self._add(summary.histogram(tag, values, bins, max_bins), global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture.

        Args:
            tag: its name.
            img_tensor: floats from 0 to 1, or uint8; 1, 3 (RGB) or 4 (with opacity) channels.
            global_step: its place in the training.
            walltime: seconds since 1970; now.
            dataformats: what the dimensions are: "CHW", "HWC", "HW", or with N for several, shown as one.

        Raises:
            ValueError: when the shape does not fit.
        """
        self._add(summary.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several pictures of one size, side by side, eight a row; see :meth:`add_image`."""
        self._add(summary.image(tag, img_tensor, dataformats), global_step, walltime)

    def add_figure(
        self, tag: str, figure: Any, global_step: Any = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """A Matplotlib figure as a picture, or a list of figures of one size as one.

        Args:
            tag: its name.
            figure: the figure, or a list.
            global_step: its place in the training.
            close: close the figures afterwards.
            walltime: seconds since 1970; now.
        """
        figures = figure if isinstance(figure, list) else [figure]
        pictures = []
        for one in figures:
            width, height = one.canvas.get_width_height()
            pixels = io.BytesIO()
            one.savefig(pixels, format="rgba", dpi=one.dpi)
            pictures.append(np.frombuffer(pixels.getvalue(), np.uint8).reshape(height, width, 4)[:, :, :3])
            if close and "matplotlib.pyplot" in sys.modules:  # which holds its figures until they are closed
                sys.modules["matplotlib.pyplot"].close(one)
        self._add(summary.image(tag, np.stack(pictures), "NHWC"), global_step, walltime)

    def add_text(self, tag: str, text_string: str, global_step: Any = None, walltime: float | None = None) -> None:
        """Text, shown as Markdown."""
        self._add(summary.text(tag, text_string), global_step, walltime)

    def add_hparams(
        self,
        hparam_dict: dict[str, Any],
        metric_dict: dict[str, Any],
        hparam_domain_discrete: dict[str, list[Any]] | None = None,
        run_name: str | None = None,
        global_step: Any = None,
    ) -> None:
        """Hyperparameters of a training and what it reached with them, in a folder of their own.

        Args:
            hparam_dict: bools, numbers, strings or None by name.
            metric_dict: numbers by tag.
            hparam_domain_discrete: all values that a hyperparameter may have, by name.
            run_name: the folder inside log_dir; None for the time.
            global_step: the place of the metrics in the training.

        Raises:
            TypeError: for what is no dict, or another value in it.
        """
        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("add_hparams: hparam_dict and metric_dict must be dicts")
        records = summary.hparams(hparam_dict, metric_dict, hparam_domain_discrete)
        numbers = [summary.scalar(tag, value) for tag, value in metric_dict.items()]
        with SummaryWriter(os.path.join(self.log_dir, run_name or str(time.time()))) as session:
            for record in records:
                session._add(record, None, None)
            for number in numbers:
                session._add(number, global_step, None)

    def add_graph(self, model: Any, input_to_model: Any = None, verbose: bool = False, **options: Any) -> None:
        """Refused: TensorBoard draws traced programs of TensorFlow and TorchScript, and lucid makes no such trace."""
        raise NotImplementedError("add_graph: lucid does not trace programs; print(model) shows the modules")

    def flush(self) -> None:
        """Writes all records that wait."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Writes all records and closes the files. Whatever is added afterwards goes to new ones."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
