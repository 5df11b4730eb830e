"""SummaryWriter: what TensorBoard's own reader finds in the files."""

import io

import numpy as np
import pytest

import lucid

pytest.importorskip("tensorboard")

from PIL import Image  # noqa: E402
from tensorboard.backend.event_processing import event_accumulator, event_file_loader  # noqa: E402
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # noqa: E402
from tensorboard.util import tensor_util  # noqa: E402

from lucid.utils.tensorboard import SummaryWriter  # noqa: E402


def read(folder):
    """TensorBoard's view of a folder."""
    found = event_accumulator.EventAccumulator(str(folder), size_guidance=dict.fromkeys(event_accumulator.TENSORS, 0))
    return found.Reload()


def records(folder):
    """All records of the event files of a folder, by tag."""
    found = {}
    for path in sorted(p for p in folder.iterdir() if "tfevents" in p.name):
        for event in event_file_loader.LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, event.wall_time, value))
    return found


def picture(value):
    return np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string)))


def test_scalars(tmp_path):
    with SummaryWriter(tmp_path, filename_suffix=".end") as writer:
        for step in range(3):
            writer.add_scalar("loss/train", lucid.tensor(1 / (step + 1)), step, walltime=100.0 + step)
        writer.add_scalar("new", np.float64(0.1), lucid.tensor(7), new_style=True)
        writer.add_scalar("double", 0.1, double_precision=True)
        writer.add_scalar("nan", float("nan"))
        for value in (lucid.ones(2), lucid.ones(0)):
            with pytest.raises(ValueError, match=r"'bad' has shape \(.*\), not one number"):
                writer.add_scalar("bad", value)
        with pytest.raises(TypeError, match="expected numbers, got str"):
            writer.add_scalar("bad", "text")
        assert writer.get_logdir() == str(tmp_path)
    seen = read(tmp_path)
    assert [(e.step, e.wall_time, e.value) for e in seen.Scalars("loss/train")] == [
        (step, 100.0 + step, np.float32(1 / (step + 1))) for step in range(3)
    ]
    assert np.isnan(seen.Scalars("nan")[0].value) and "bad" not in str(seen.Tags())
    found = records(tmp_path)
    (step, _, new), (_, _, double) = found["new"][0], found["double"][0]
    assert step == 7 and tensor_util.make_ndarray(new.tensor) == np.float32(0.1)
    assert tensor_util.make_ndarray(double.tensor) == 0.1 and new.metadata.plugin_data.plugin_name == "scalars"
    assert [p.name.endswith(".end") for p in tmp_path.iterdir()] == [True]


def test_several_scalars_in_one_picture(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(2):
            writer.add_scalars("loss", {"train": step, "a/b": lucid.tensor(step * 2)}, step)
    for folder, factor in (("loss_train", 1), ("loss_a_b", 2)):
        assert [(e.step, e.value) for e in read(tmp_path / folder).Scalars("loss")] == [(0, 0), (1, factor)]


def test_histograms(tmp_path):
    values = np.concatenate([np.random.default_rng(0).normal(size=1000), [0.0, 0.0, -3e5]])
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("default", lucid.from_numpy(values).reshape(17, 59), 3)
        writer.add_histogram("own", values, bins=[-1, 0, 1, 2, 10])
        writer.add_histogram("auto", values[:1000], bins="auto", max_bins=5)
        for bad, message in [
            (lucid.ones(0), "no numbers"),
            ([np.inf], "infinite"),
            ([5.0], "falls into the bins, 0 to 1"),
        ]:
            with pytest.raises(ValueError, match=message):
                writer.add_histogram("bad", bad, bins=[0, 1])
    seen = read(tmp_path)
    (event,) = seen.Histograms("default")
    histogram = event.histogram_value
    assert event.step == 3 and (histogram.min, histogram.max, histogram.num) == (values.min(), values.max(), 1003)
    np.testing.assert_allclose([histogram.sum, histogram.sum_squares], [values.sum(), values @ values], rtol=1e-12)
    edges = np.array(histogram.bucket_limit)
    counted = [((values >= low) & (values < high)).sum() for low, high in zip(edges, edges[1:], strict=False)]
    assert list(histogram.bucket) == [0, *counted] and sum(histogram.bucket) == 1003
    assert edges[0] <= values.min() and edges[-1] >= values.max() and edges[0] * 1.2 > values.min() * 1.3
    own = seen.Histograms("own")[0].histogram_value
    assert list(own.bucket_limit) == [-1, 0, 1, 2, 10] and own.num == 1003
    auto = seen.Histograms("auto")[0].histogram_value
    assert sum(auto.bucket) == 1000 and len(auto.bucket) <= 6


def test_images(tmp_path):
    pixels = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(np.uint8) * 2  # NCHW
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("chw", lucid.from_numpy(pixels[0]), 1)
        writer.add_image("hwc", pixels[0].transpose(1, 2, 0), dataformats="HWC")
        writer.add_image("grey", lucid.tensor([[0.0, 0.5], [1.0, 2.0]]), dataformats="HW")
        writer.add_images("nchw", pixels)
        writer.add_images("nine", np.ones((9, 1, 2, 2), np.uint8))
        for shape, order, message in [
            ((3, 4), "CHW", "does not fit"),
            ((2, 4, 4), "CHW", "2 channels"),
            ((2, 2), "XY", "XY"),
        ]:
            with pytest.raises(ValueError, match=message):
                writer.add_image("bad", np.ones(shape), dataformats=order)
    found = {tag: values[0][2] for tag, values in records(tmp_path).items()}
    expected = pixels[0].transpose(1, 2, 0)
    assert np.array_equal(picture(found["chw"]), expected) and np.array_equal(picture(found["hwc"]), expected)
    assert picture(found["grey"]).tolist() == [[0, 127], [255, 255]]
    assert np.array_equal(picture(found["nchw"]), np.concatenate([p.transpose(1, 2, 0) for p in pixels], axis=1))
    nine = picture(found["nine"])
    assert nine.shape == (4, 16) and nine[2:, :2].all() and not nine[2:, 2:].any()
    (event,) = read(tmp_path).Images("chw")
    assert (event.step, event.width, event.height) == (1, 5, 4) and "bad" not in found


def test_figures(tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.close("all")  # those of other tests
    figures = [pyplot.figure(figsize=(2, 1), dpi=50, facecolor=colour) for colour in ("red", "blue")]
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("one", figures[0], close=False)
        assert len(pyplot.get_fignums()) == 2
        writer.add_figure("both", figures, 4)
        assert not pyplot.get_fignums()
    found = records(tmp_path)
    one, both = picture(found["one"][0][2]), picture(found["both"][0][2])
    assert one.shape == (50, 100, 3) and one[0, 0].tolist() == [255, 0, 0]
    assert both.shape == (50, 200, 3) and both[0, 150].tolist() == [0, 0, 255]


def test_text_and_what_is_refused(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "**bold** ✓", 2)
        with pytest.raises(NotImplementedError, match="does not trace"):
            writer.add_graph(lucid.nn.Linear(1, 1), lucid.ones(1))
    ((step, _, value),) = records(tmp_path)["note/text_summary"]
    assert step == 2 and tensor_util.make_ndarray(value.tensor).tolist() == ["**bold** ✓".encode()]
    assert value.metadata.plugin_data.plugin_name == "text"


def test_hyperparameters(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        values = {"lr": lucid.tensor(0.5), "depth": np.int64(3), "bias": True, "name": "a", "nothing": None}
        writer.add_hparams(values, {"accuracy": 0.75}, {"name": ["a", "b"]}, run_name="first", global_step=9)
        with pytest.raises(TypeError, match="'x' must be a bool, number, string or None, got list"):
            writer.add_hparams({"x": [1]}, {}, run_name="second")
        with pytest.raises(TypeError, match="must be dicts"):
            writer.add_hparams([1], {})
    found = records(tmp_path / "first")
    assert not (tmp_path / "second").exists() and found["accuracy"][0][2].simple_value == 0.75
    content = {
        tag: HParamsPluginData.FromString(found[f"_hparams_/{tag}"][0][2].metadata.plugin_data.content)
        for tag in ("experiment", "session_start_info", "session_end_info")
    }
    start = content["session_start_info"].session_start_info.hparams
    assert {name: getattr(start[name], start[name].WhichOneof("kind")) for name in start} == {
        "lr": 0.5, "depth": 3.0, "bias": True, "name": "a",
    }  # fmt: skip
    experiment = content["experiment"].experiment
    assert [info.name for info in experiment.hparam_infos] == list(values)
    assert list(experiment.hparam_infos[3].domain_discrete) == ["a", "b"]
    assert [info.name.tag for info in experiment.metric_infos] == ["accuracy"]
    assert content["session_end_info"].session_end_info.status == 1


def test_flush_close_and_starting_again(tmp_path, monkeypatch):
    writer = SummaryWriter(tmp_path, flush_secs=1000)
    for step in range(5):
        writer.add_scalar("x", step, step)
    writer.flush()
    assert len(read(tmp_path).Scalars("x")) == 5
    writer.close()
    writer.close()
    writer.add_scalar("y", 1)
    writer.close()
    assert len(list(tmp_path.iterdir())) == 2 and len(read(tmp_path).Scalars("y")) == 1
    with SummaryWriter(tmp_path, purge_step=2) as again:
        again.add_scalar("x", 20, 2)
    assert [(e.step, e.value) for e in read(tmp_path).Scalars("x")] == [(0, 0), (1, 1), (2, 20)]
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_note") as named:
        assert named.log_dir.startswith("runs/") and named.log_dir.endswith("_note")
