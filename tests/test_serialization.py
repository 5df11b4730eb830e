"""save and load: exact round trips, files that other programs read, and files that lie."""

import io
import json
import os
import struct
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

import lucid
from lucid import nn, serialization

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
SHAPES = [(), (0,), (3,), (2, 0, 3), (1, 1), (2, 3, 4)]


def same(a, b):
    """Equal in value, type, dtype, shape and order, all the way down."""
    assert type(a) is type(b), (a, b)
    if isinstance(a, lucid.Tensor):
        assert a.dtype is b.dtype
        a, b = a.detach().numpy(), b.detach().numpy()
    if isinstance(a, (np.ndarray, np.generic)):
        assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b) and list(map(type, a)) == list(map(type, b))
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, float):
        assert struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
    else:
        assert a == b


def through_file(obj):
    file = io.BytesIO()
    lucid.save(obj, file)
    file.seek(0)
    return lucid.load(file)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_tensors_keep_dtype_and_shape(dtype, shape):
    array = np.asarray(np.arange(int(np.prod(shape))).reshape(shape) % 2 - 0.5).astype(dtype)
    tensor = lucid.from_numpy(array.copy())
    same(through_file({"x": tensor, "array": array}), {"x": tensor, "array": array})
    same(through_file(tensor), tensor)


@pytest.mark.parametrize("dtype", ["float16", "int8", "int16", "uint16", "uint32", "uint64"])
def test_arrays_of_dtypes_that_tensors_lack(dtype):
    array = np.arange(6, dtype=dtype).reshape(2, 3)
    same(through_file([array]), [array])


def test_numbers_strings_and_containers():
    obj = {
        "none": None,
        "bools": [True, False],
        "ints": (0, -1, 2**63, -(10**40)),
        "floats": [0.1, -0.0, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")],
        "strings": ["", "äöü ✓ \x00 \ud800", "line\nline"],
        "empty": [{}, [], (), OrderedDict()],
        1: {2: {"3": OrderedDict([("b", 1), ("a", 2), (0, ((1,),))])}},
        "scalars": [np.float32(0.1), np.float64(0.1), np.int64(7), np.bool_(True)],
    }
    same(through_file(obj), obj)
    for alone in (None, True, 3, 2.5, "text", (), [lucid.ones(2)], float("nan")):
        same(through_file(alone), alone)


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(width=64)
    | st.text(max_size=5)
    | st.sampled_from(DTYPES).map(lambda d: lucid.from_numpy(np.arange(3).astype(d)))
    | st.sampled_from(SHAPES).map(np.ones)
)
keys = st.text(max_size=3) | st.integers(-3, 3) | st.booleans() | st.none() | st.floats(-2, 2).filter(lambda k: k % 1)
objects = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
        | st.dictionaries(keys, inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=12,
)


@given(objects)
@settings(max_examples=200, deadline=None)
def test_any_object_comes_back(obj):
    same(through_file(obj), obj)


def test_layouts():
    base = lucid.arange(12.0).reshape(3, 4)
    obj = {"t": base.t(), "slice": base[:, 1:3], "row": base[1], "wide": base[0].expand(5, 4)}
    loaded = through_file(obj)
    for name, tensor in obj.items():
        assert np.array_equal(loaded[name].numpy(), tensor.numpy())
    arrays = {"f": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "back": np.arange(5)[::-1]}
    loaded = through_file(arrays)
    for name, array in arrays.items():
        assert np.array_equal(loaded[name], array)
    big_endian = np.arange(3, dtype=">f8")
    assert np.array_equal(through_file(big_endian), big_endian)


def test_loaded_tensors_are_leaves_of_their_own():
    weight = lucid.ones(3, requires_grad=True)
    loaded = through_file({"w": weight, "made": weight * 2, "p": nn.Parameter(lucid.ones(2))})
    assert all(type(t) is lucid.Tensor and t.is_leaf and not t.requires_grad for t in loaded.values())
    loaded["w"].mul_(5)
    assert weight.tolist() == [1, 1, 1] and loaded["w"].tolist() == [5, 5, 5]


def test_shared_tensors_stay_shared(tmp_path):
    weight = lucid.arange(6.0)
    path = tmp_path / "shared.safetensors"
    lucid.save({"encoder": weight, "decoder": weight, "same_memory": weight.detach(), "part": weight[:3]}, path)
    loaded = lucid.load(path)
    assert loaded["encoder"] is loaded["decoder"] is loaded["same_memory"]
    assert loaded["part"] is not loaded["encoder"] and loaded["part"].tolist() == [0, 1, 2]
    assert set(safetensors.numpy.load_file(path)) == {"encoder", "decoder", "same_memory", "part"}


def test_state_dict_has_plain_keys_for_other_readers(tmp_path):
    model = nn.Sequential(OrderedDict(fc1=nn.Linear(3, 4), fc2=nn.Linear(4, 2)))
    path = tmp_path / "model.safetensors"
    lucid.save(model.state_dict(), path)
    seen = safetensors.numpy.load_file(path)
    assert set(seen) == {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}
    assert np.array_equal(seen["fc1.weight"], model[0].weight.detach().numpy())
    other = nn.Sequential(OrderedDict(fc1=nn.Linear(3, 4), fc2=nn.Linear(4, 2)))
    other.load_state_dict(lucid.load(path))
    same(dict(other.state_dict()), dict(model.state_dict()))


def test_files_of_other_writers(tmp_path):
    arrays = {"a": np.arange(4.0).reshape(2, 2), "b.c": np.array(True), "e": np.zeros((0, 2), np.float32)}
    path = tmp_path / "plain.safetensors"
    for metadata in (None, {"format": "pt"}):
        safetensors.numpy.save_file(arrays, path, metadata=metadata)
        loaded = lucid.load(path)
        assert set(loaded) == set(arrays)
        for name, array in arrays.items():
            same(loaded[name], lucid.from_numpy(array))


def test_names_that_collide():
    obj = {"a": {"b": np.ones(1)}, "a.b": np.zeros(2), 1: np.ones(3), "1": np.ones(4), "__metadata__": np.ones(5)}
    same(through_file(obj), obj)


def test_optimizer_state_round_trip():
    model = nn.Linear(3, 2)
    optimizer = lucid.optim.AdamW(
        [{"params": [model.weight], "lr": 0.1}, {"params": [model.bias], "amsgrad": True}], betas=(0.8, 0.99)
    )
    for _ in range(3):
        optimizer.zero_grad()
        model(lucid.ones(4, 3)).sum().backward()
        optimizer.step()
    state = optimizer.state_dict()
    same(through_file(state), state)
    again = lucid.optim.AdamW([{"params": [model.weight]}, {"params": [model.bias]}])
    again.load_state_dict(through_file(state))
    same(again.state_dict()["state"], state["state"])
    assert again.state_dict()["param_groups"] == state["param_groups"]


def test_path_kinds(tmp_path):
    for path in (tmp_path / "a", str(tmp_path / "b")):
        lucid.save({"x": 1}, path)
        assert lucid.load(path) == {"x": 1}


# ---- what cannot be saved ----


class Mine:
    pass


@pytest.mark.parametrize(
    ("obj", "place"),
    [
        (Mine(), r"the object is of type .*Mine"),
        ({"a": [0, (Mine(),)]}, r"the object\['a'\]\[1\]\[0\] is of type .*Mine"),
        ({"a": {1, 2}}, r"the object\['a'\] is of type builtins.set"),
        ({"a": defaultdict(int)}, r"the object\['a'\] is of type collections.defaultdict"),
        ({"a": 1j}, r"the object\['a'\] is of type builtins.complex"),
        ({"a": b"bytes"}, r"the object\['a'\] is of type builtins.bytes"),
        (
            {"a": {(1, 2): 3}},
            r"the object\['a'\] has the key \(1, 2\); keys must be str, int, finite float, bool or None",
        ),
        ({float("nan"): 3}, r"the object has the key nan; keys must be"),
        ({float("-inf"): 3}, r"the object has the key -inf; keys must be"),
        ({"a": np.array(["x"])}, r"the object\['a'\] has dtype <U1"),
        ({"a": np.array([None])}, r"the object\['a'\] has dtype object"),
        ({"a": np.zeros(1, complex)}, r"the object\['a'\] has dtype complex128"),
    ],
)
def test_unknown_objects(obj, place, tmp_path):
    with pytest.raises(TypeError, match=place):
        lucid.save(obj, tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_an_object_inside_itself(tmp_path):
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested more than 100 deep"):
        lucid.save(loop, tmp_path / "file")
    deep = 1
    for _ in range(100):
        deep = [deep]
    same(through_file(deep), deep)
    with pytest.raises(ValueError, match="nested more than 100 deep"):
        lucid.save([deep], tmp_path / "file")


# ---- the file is replaced in one step ----


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model"
    lucid.save({"x": 1}, path)

    def fail(_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        lucid.save({"x": 2}, path)
    assert lucid.load(path) == {"x": 1} and [p.name for p in tmp_path.iterdir()] == ["model"]


def test_file_is_on_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append(("replace", os.path.dirname(a))), replace(a, b)))
    lucid.save({"x": 1}, tmp_path / "model")
    assert events == ["fsync", ("replace", os.path.realpath(tmp_path)), "fsync"]


def test_permissions_and_links(tmp_path):
    path, link = tmp_path / "model", tmp_path / "link"
    lucid.save(1, path)
    plain = tmp_path / "plain"
    plain.write_text("")
    assert path.stat().st_mode == plain.stat().st_mode
    link.symlink_to(path)
    lucid.save(2, link)
    assert link.is_symlink() and lucid.load(path) == 2
    with pytest.raises(FileNotFoundError):
        lucid.save(1, tmp_path / "absent" / "model")
    with pytest.raises(FileNotFoundError):
        lucid.load(tmp_path / "absent")


# ---- files that lie ----


def raw(header, data=b""):
    """A file of the safetensors form around any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def structured(structure, **tensors):
    """A sound file with any text as the structure."""
    text = structure if isinstance(structure, str) else json.dumps({"version": 1, "object": structure})
    return safetensors.numpy.save(tensors or {"x": np.ones(2)}, metadata={serialization.METADATA_KEY: text})


def tensor(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"x": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


HOSTILE = {
    "empty": (b"", "0 bytes long"),
    "short": (b"\x00\x01", "2 bytes long"),
    "text": (b"this is no tensor file at all", "first 8 bytes"),
    "pickle": (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05hello\x94.", "first 8 bytes"),
    "zip": (b"PK\x03\x04" + bytes(100), "cut short|whole"),
    "zeros": (bytes(64), "first 8 bytes"),
    "header of exabytes": (struct.pack("<Q", 2**63) + b"{}", "first 8 bytes"),
    "header longer than the file": (struct.pack("<Q", 1000) + b"{}", "cut short"),
    "not JSON": (raw(b"{nothing"), "whole safetensors file"),
    "not UTF-8": (raw(b'{"\xff\xfe": 1}'), "whole safetensors file"),
    "a list": (raw([1, 2]), "whole safetensors file"),
    "deep header": (raw(b"[" * 100000), "whole safetensors file"),
    "deep metadata": (raw(b'{"__metadata__":' + b'{"a":' * 50000), "whole safetensors file"),
    "metadata not text": (raw({"__metadata__": {"lucid": 3}}), "whole safetensors file"),
    "offsets beyond the end": (raw(tensor(offsets=(0, 800)), bytes(8)), "whole safetensors file"),
    "offsets backwards": (raw(tensor(offsets=(8, 0)), bytes(8)), "whole safetensors file"),
    "offsets negative": (raw(tensor(offsets=(-8, 0)), bytes(8)), "whole safetensors file"),
    "shape and offsets differ": (raw(tensor(shape=(3,)), bytes(8)), "whole safetensors file"),
    "shape overflows": (raw(tensor(shape=(2**62, 2**62)), bytes(8)), "whole safetensors file"),
    "shape negative": (raw(tensor(shape=(-2,)), bytes(8)), "whole safetensors file"),
    "hole": (raw(tensor(offsets=(8, 16)), bytes(16)), "whole safetensors file"),
    "extra bytes": (raw(tensor(), bytes(16)), "whole safetensors file"),
    "unknown dtype": (raw(tensor(dtype="F33"), bytes(8)), "whole safetensors file"),
    "bfloat16": (raw(tensor(dtype="BF16", shape=(4,)), bytes(8)), "'x' has dtype BF16"),
    "a tensor of int16": (raw(tensor(dtype="I16", shape=(4,)), bytes(8)), "'x'.* int16 is not supported"),
    "structure not JSON": (structured("{"), "structure is not JSON"),
    "structure deep": (structured("[" * 100000), "structure is not JSON"),
    "structure nested": (structured(json.loads("[" * 300 + "]" * 300)), "more than 100 deep"),
    "structure a list": (structured("[]"), "no version and object"),
    "structure without version": (structured('{"object": 1}'), "no version and object"),
    "structure of the future": (structured('{"version": 2, "object": 1}'), "format 2; this version .* reads format 1"),
    "absent tensor": (structured({"tensor": "y"}), "names tensor 'y', which the file does not hold"),
    "unknown piece": (structured({"object": "os.system"}), "unknown piece of structure 'object'"),
    "empty piece": (structured({}), "unknown piece of structure"),
    "two pieces": (structured({"tensor": "x", "array": "x"}), "unknown piece .* keys \\['array', 'tensor'\\]"),
    "tensor no name": (structured({"tensor": ["x"]}), "unknown piece of structure 'tensor'"),
    "scalar of two": (structured({"scalar": "x"}), "scalar 'x' has shape"),
    "odd float": (structured({"float": "1e5"}), "unknown piece of structure 'float'"),
    "odd tuple": (structured({"tuple": 3}), "unknown piece of structure 'tuple'"),
    "odd dict": (structured({"dict": [["a"]]}), "not a pair"),
    "unhashable key": (structured({"dict": [[["a"], 1]]}), "not a pair"),
    "dict key": (structured({"dict": [[{}, 1]]}), "not a pair"),
    "huge integer": (structured('{"version": 1, "object": ' + "9" * 10000 + "}"), "structure is not JSON"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(case, tmp_path):
    data, message = HOSTILE[case]
    path = tmp_path / "hostile.bin"
    path.write_bytes(data)
    for source in (path, io.BytesIO(data)):
        with pytest.raises(ValueError, match=message if source is path else "load: the file: ") as caught:
            lucid.load(source)
        assert source is not path or str(path) in str(caught.value)


def test_truncated_anywhere(tmp_path):
    file = io.BytesIO()
    lucid.save({"a": lucid.ones(3), "b": [1, (lucid.zeros(2, 2), None)]}, file)
    data = file.getvalue()
    for length in range(len(data)):
        with pytest.raises(ValueError, match="load: "):
            lucid.load(io.BytesIO(data[:length]))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_give_a_value_error_or_an_object(data):
    file = io.BytesIO()
    lucid.save({"a": lucid.ones(3), "b": [1, (lucid.zeros(2, 2) > 0, float("nan"))]}, file)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        lucid.load(io.BytesIO(bytes(content)))
    except ValueError as problem:
        assert str(problem).startswith("load: ")


def test_bool_bytes_other_than_0_and_1():
    data = raw({"x": {"dtype": "BOOL", "shape": [4], "data_offsets": [0, 4]}}, b"\x00\x01\x02\xff")
    loaded = lucid.load(io.BytesIO(data))["x"]
    assert loaded.dtype is lucid.bool and loaded.numpy().view(np.uint8).tolist() == [0, 1, 1, 1]


# ---- what scripts pass ----


def test_open_files(tmp_path):
    obj = {"w": lucid.ones(2), None: {True: 1.5, 0.5: None}}
    with open(tmp_path / "file", "w+b") as opened:
        opened.write(b"before")
        lucid.save(obj, opened)
        opened.seek(6)
        same(lucid.load(opened), obj)
    for wrong in (io.StringIO(), 3, None):
        with pytest.raises(TypeError, match=f"save: expected a path or a file open .*, got {type(wrong).__name__}"):
            lucid.save(obj, wrong)
        with pytest.raises(TypeError, match=f"load: expected a path or a file open .*, got {type(wrong).__name__}"):
            lucid.load(wrong)


def test_arguments_of_load():
    def load(*args, **options):
        file = io.BytesIO()
        lucid.save({"w": lucid.ones(2), "n": 3}, file)
        file.seek(0)
        return lucid.load(file, *args, **options)

    whole = {"w": lucid.ones(2), "n": 3}
    for location in (
        None,
        "cpu",
        "cpu:0",
        {"cuda:0": "cpu"},
        lambda storage, where: storage,
        lambda storage, where: None,
    ):
        for weights_only in (True, False):
            same(load(location, weights_only=weights_only, mmap=False), whole)
    seen = []
    load(map_location=lambda tensor, where: seen.append((tensor.tolist(), where)))
    assert seen == [([1, 1], "cpu")]
    for options, kind, message in [
        ({"map_location": "cuda"}, ValueError, "map_location 'cuda' is not there"),
        ({"map_location": {"cpu": "cuda:1"}}, ValueError, "map_location 'cuda:1' is not there"),
        ({"map_location": lambda tensor, where: lucid.ones(2)}, ValueError, "must return the tensor it was given"),
        ({"mmap": True}, ValueError, "mmap"),
        ({"weights_only": "yes"}, TypeError, "weights_only must be True or False, got 'yes'"),
        ({"pickle_module": json}, TypeError, "pickle_module"),
    ]:
        with pytest.raises(kind, match=message):
            load(**options)


def test_views_take_no_more_room_than_their_numbers():
    base = lucid.zeros(1000, 1000)
    file = io.BytesIO()
    lucid.save({"row": base[3], "corner": base[:2, :2], "wide": base[0, :1].expand(1), "empty": base[:0]}, file)
    assert len(file.getvalue()) < 5000


def optimizers():
    names = []
    for name in lucid.optim.__all__:
        kind = getattr(lucid.optim, name)
        if isinstance(kind, type) and issubclass(kind, lucid.optim.Optimizer) and kind is not lucid.optim.Optimizer:
            names.append(name)
    return names


@pytest.mark.parametrize("name", optimizers())
def test_state_of_every_optimizer(name):
    """What a saved and loaded state goes on with are the numbers that the optimizer itself goes on with."""

    def network():
        bias = name != "Muon"  # which is for matrices
        return nn.Sequential(nn.Linear(3, 4, bias), nn.Tanh(), nn.Linear(4, 1, bias))

    def make(start):
        model = network()
        model.load_state_dict(start)
        if name == "Lookahead":
            return model, lucid.optim.Lookahead(lucid.optim.Adam(model.parameters(), lr=0.01), k=2)
        kind = getattr(lucid.optim, name)
        return model, kind(model.parameters(), **({"lr": 0.01} if name == "SGD" else {}))

    x = lucid.arange(12.0).reshape(4, 3) / 10

    def steps(model, optimizer, count):
        def closure():
            optimizer.zero_grad()
            loss = (model(x) ** 2).mean()
            loss.backward()
            return loss

        for _ in range(count):
            optimizer.step(closure)

    model, optimizer = make(network().state_dict())
    steps(model, optimizer, 3)
    saved = through_file({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    twin, other = make(saved["model"])
    other.load_state_dict(saved["optimizer"])
    steps(model, optimizer, 3)
    steps(twin, other, 3)
    for mine, its in zip(model.parameters(), twin.parameters(), strict=True):
        assert mine.detach().numpy().tobytes() == its.detach().numpy().tobytes()


SCHEDULERS = {
    "LambdaLR": {"lr_lambda": lambda epoch: 0.5**epoch},
    "MultiplicativeLR": {"lr_lambda": lambda epoch: 0.5},
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [1, 3, 3]},
    "ConstantLR": {},
    "LinearLR": {},
    "ExponentialLR": {"gamma": 0.9},
    "PolynomialLR": {},
    "CosineAnnealingLR": {"T_max": 5},
    "CosineAnnealingWarmRestarts": {"T_0": 2},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 10},
    "ReduceLROnPlateau": {"patience": 0},
}


@pytest.mark.parametrize("name", [*SCHEDULERS, "SequentialLR", "ChainedScheduler"])
def test_state_of_every_scheduler(name):
    schedulers = lucid.optim.lr_scheduler

    def make():
        optimizer = lucid.optim.SGD([lucid.ones(1, requires_grad=True)], lr=0.1, momentum=0.9)
        if name == "SequentialLR":
            both = [schedulers.ConstantLR(optimizer), schedulers.ExponentialLR(optimizer, 0.9)]
            return optimizer, schedulers.SequentialLR(optimizer, both, milestones=[2])
        if name == "ChainedScheduler":
            return optimizer, schedulers.ChainedScheduler(
                [schedulers.ConstantLR(optimizer), schedulers.ExponentialLR(optimizer, 0.9)]
            )
        return optimizer, getattr(schedulers, name)(optimizer, **SCHEDULERS[name])

    def rates(optimizer, scheduler, count):
        found = []
        for _ in range(count):
            optimizer.step()
            scheduler.step(*([1.0] if name == "ReduceLROnPlateau" else []))
            found.append(optimizer.param_groups[0]["lr"])
        return found

    optimizer, scheduler = make()
    rates(optimizer, scheduler, 3)
    saved = through_file([optimizer.state_dict(), scheduler.state_dict()])
    twin, other = make()
    twin.load_state_dict(saved[0])
    other.load_state_dict(saved[1])
    assert rates(optimizer, scheduler, 4) == rates(twin, other, 4)
