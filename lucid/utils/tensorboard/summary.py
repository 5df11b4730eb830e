"""The records TensorBoard reads: a scalar, a histogram, an image, a text, a session of hyperparameters."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_DOUBLE, DT_FLOAT, DT_STRING
from tensorboard.plugins.hparams.api_pb2 import (
    DATA_TYPE_BOOL,
    DATA_TYPE_FLOAT64,
    DATA_TYPE_STRING,
    Experiment,
    HParamInfo,
    MetricInfo,
    MetricName,
    Status,
)
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

from lucid.autograd.graph import Value

HPARAMS_VERSION = 0  # of the layout of HParamsPluginData


def as_array(operation: str, values: Any) -> np.ndarray:
    """Numbers of a tensor, an array, a list or a number, as an array.

    Raises:
        TypeError: for anything else.
    """
    array = values.array if isinstance(values, Value) else np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{operation}: expected numbers, got {type(values).__name__}")
    return array


def scalar(tag: str, value: Any, new_style: bool = False, double_precision: bool = False) -> Summary:
    """One number."""
    array = as_array("add_scalar", value)
    if array.size != 1:
        raise ValueError(f"add_scalar: {tag!r} has shape {array.shape}, not one number")
    number = float(array.reshape(-1)[0])
    if not (new_style or double_precision):
        return Summary(value=[Summary.Value(tag=tag, simple_value=number)])
    if double_precision:
        tensor = TensorProto(double_val=[number], dtype=DT_DOUBLE)
    else:
        tensor = TensorProto(float_val=[number], dtype=DT_FLOAT)
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=_metadata("scalars"))])


def _metadata(plugin: str, content: bytes = b"") -> SummaryMetadata:
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=content))


def _default_bins() -> np.ndarray:
    """Edges of bins that grow by a tenth each, from 1e-12 to 1e20, on both sides of zero."""
    positive = 1e-12 * 1.1 ** np.arange(774)
    return np.concatenate([-positive[::-1], [0.0], positive])


def histogram(tag: str, values: Any, bins: Any = "tensorflow", max_bins: int | None = None) -> Summary:
    """How often values fall between the edges ``bins``: "tensorflow" for the default ones, else as in np.histogram."""
    array = as_array("add_histogram", values).astype(np.float64).reshape(-1)
    if not array.size:
        raise ValueError(f"add_histogram: {tag!r} has no numbers")
    if not np.isfinite(array).all():
        raise ValueError(f"add_histogram: {tag!r} has NaN or infinite numbers, which no bin takes")
    counts, edges = np.histogram(
        array, bins=_default_bins() if isinstance(bins, str) and bins == "tensorflow" else bins
    )
    if max_bins is not None and len(counts) > max_bins:
        joined = -(-len(counts) // max_bins)
        starts = np.arange(0, len(counts), joined)
        counts, edges = np.add.reduceat(counts, starts), np.append(edges[starts], edges[-1])
    taken = np.flatnonzero(counts)
    if not taken.size:
        raise ValueError(f"add_histogram: no number of {tag!r} falls into the bins, {edges[0]:g} to {edges[-1]:g}")
    first, last = taken[0], taken[-1] + 1  # what is outside is empty, and one empty bin says where it begins
    histo = HistogramProto(
        min=array.min(),
        max=array.max(),
        num=array.size,
        sum=array.sum(),
        sum_squares=array @ array,
        bucket_limit=edges[first : last + 1].tolist(),
        bucket=[0.0, *counts[first:last].astype(float).tolist()],
    )
    return Summary(value=[Summary.Value(tag=tag, histo=histo)])


def image(tag: str, picture: Any, dataformats: str) -> Summary:
    """A picture as PNG, or several as one; floats from 0 to 1, or uint8."""
    array = as_array("add_image", picture)
    pixels = _one_picture(tag, array, dataformats.upper())
    if pixels.dtype.kind == "f":
        pixels = (np.nan_to_num(pixels) * 255).clip(0, 255)
    pixels = pixels.astype(np.uint8)
    stored = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(stored, format="PNG")
    height, width, channels = pixels.shape
    content = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=stored.getvalue())
    return Summary(value=[Summary.Value(tag=tag, image=content)])


def _one_picture(tag: str, array: np.ndarray, order: str) -> np.ndarray:
    """[height, width, 1, 3 or 4 channels]; several pictures are put side by side, eight a row."""
    if sorted(order) not in (sorted("HW"), sorted("CHW"), sorted("NCHW"), sorted("NHW")) or len(order) != array.ndim:
        raise ValueError(
            f"add_image: {tag!r} has shape {array.shape}, which does not fit dataformats {order!r}; letters are N (of "
            "the picture), C (channel), H (height), W (width)"
        )
    names = [name for name in "NHWC" if name in order]
    array = array.transpose([order.index(name) for name in names])
    array = array if "C" in order else array[..., None]
    if array.shape[-1] not in (1, 3, 4):
        raise ValueError(f"add_image: {tag!r} has {array.shape[-1]} channels; 1, 3 or 4 can be shown")
    if "N" not in order:
        return array
    n, height, width, channels = array.shape
    columns = min(n, 8)
    rows = -(-n // max(columns, 1))
    sheet = np.zeros((rows, height, columns, width, channels), array.dtype)
    for i in range(n):
        sheet[i // columns, :, i % columns] = array[i]
    return sheet.reshape(rows * height, columns * width, channels)


def text(tag: str, words: str) -> Summary:
    """Text, which TensorBoard shows as Markdown."""
    tensor = TensorProto(
        dtype=DT_STRING,
        string_val=[str(words).encode()],
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
    )
    return Summary(value=[Summary.Value(tag=f"{tag}/text_summary", metadata=_metadata("text"), tensor=tensor)])


def hparams(
    values: dict[str, Any], metrics: dict[str, Any], discrete: dict[str, list[Any]] | None = None
) -> list[Summary]:
    """A session: the experiment's hyperparameters and metrics, the session's values, its end."""
    infos = []
    start = SessionStartInfo()
    for name, value in values.items():
        value = value.array.item() if isinstance(value, Value) else value
        value = value.item() if isinstance(value, np.generic) else value
        info = HParamInfo(name=name)
        if isinstance(value, bool):
            info.type, start.hparams[name].bool_value = DATA_TYPE_BOOL, value
        elif isinstance(value, int | float):
            info.type, start.hparams[name].number_value = DATA_TYPE_FLOAT64, value
        elif isinstance(value, str):
            info.type, start.hparams[name].string_value = DATA_TYPE_STRING, value
        elif value is not None:
            raise TypeError(f"add_hparams: {name!r} must be a bool, number, string or None, got {type(value).__name__}")
        if discrete and name in discrete:
            info.domain_discrete.extend(discrete[name])
        infos.append(info)
    experiment = Experiment(hparam_infos=infos, metric_infos=[MetricInfo(name=MetricName(tag=tag)) for tag in metrics])
    end = SessionEndInfo(status=Status.Value("STATUS_SUCCESS"))
    contents = {
        "_hparams_/experiment": HParamsPluginData(experiment=experiment, version=HPARAMS_VERSION),
        "_hparams_/session_start_info": HParamsPluginData(session_start_info=start, version=HPARAMS_VERSION),
        "_hparams_/session_end_info": HParamsPluginData(session_end_info=end, version=HPARAMS_VERSION),
    }
    return [
        Summary(value=[Summary.Value(tag=tag, metadata=_metadata("hparams", content.SerializeToString()))])
        for tag, content in contents.items()
    ]
