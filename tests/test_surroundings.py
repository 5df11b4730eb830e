"""What portable scripts ask for around tensors: devices, mixed precision, number types, defaults."""

import copy
import pickle

import numpy as np
import pytest

import lucid


def test_the_cpu_is_the_only_device():
    cpu = lucid.device("cpu")
    assert lucid.device(cpu) == cpu == lucid.zeros(2).device and hash(lucid.device("cpu")) == hash(cpu)
    assert cpu != lucid.device("cpu:0") and cpu != "cpu" and lucid.device("cpu", 0) == lucid.device("cpu:0")
    assert (str(cpu), repr(cpu), cpu.type, cpu.index) == ("cpu", "device(type='cpu')", "cpu", None)
    assert (str(lucid.device("cpu:0")), repr(lucid.device("cpu:0"))) == ("cpu:0", "device(type='cpu', index=0)")
    assert pickle.loads(pickle.dumps(cpu)) == copy.deepcopy(cpu) == cpu
    with cpu as inside:
        assert inside is cpu


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "meta", "cpu:1", "cpu:x", "", "nowhere", 0])
def test_any_other_device_is_refused_everywhere(name):
    x, model = lucid.ones(2), lucid.nn.Linear(2, 2)
    for call in (
        lambda: lucid.device(name),
        lambda: lucid.zeros(2, device=name),
        lambda: lucid.rand(2, device=name),
        lambda: lucid.rand_like(x, device=name),
        lambda: lucid.normal(0.0, 1.0, (2,), device=name),
        lambda: lucid.randperm(2, device=name),
        lambda: lucid.Generator(device=name),
        lambda: lucid.nn.Linear(2, 2, device=name),
        lambda: x.to(device=name),
        lambda: x.cuda(name),
        lambda: model.cuda(name),
        lambda: model.to(device=name),
    ):
        with pytest.raises(ValueError, match="is not there; lucid computes on the CPU"):
            call()
    assert model.weight.dtype is lucid.float32


def test_to_a_device_changes_nothing_else():
    x = lucid.ones(2, dtype=lucid.float64)
    cpu = lucid.device("cpu")
    assert x.to(cpu) is x and x.to(cpu, lucid.float64) is x and x.cpu() is x and x.to("cpu:0") is x
    assert x.to(cpu, lucid.float32).dtype is lucid.float32
    model = lucid.nn.Linear(2, 2).double()
    assert model.to(cpu) is model and model.to("cpu").weight.dtype is lucid.float64
    assert not x.is_cuda and x.get_device() == -1


def test_there_is_no_accelerator():
    assert not lucid.cuda.is_available() and lucid.cuda.device_count() == 0 and not lucid.cuda.is_initialized()
    assert not lucid.backends.mps.is_available() and not lucid.backends.mps.is_built()
    assert not lucid.backends.cudnn.is_available() and lucid.backends.cudnn.version() is None
    assert not lucid.accelerator.is_available() and lucid.accelerator.device_count() == 0
    assert lucid.accelerator.current_accelerator() is None
    lucid.cuda.manual_seed_all(0)
    lucid.cuda.manual_seed(0)
    lucid.cuda.empty_cache()
    assert lucid.cuda.memory_allocated() == lucid.cuda.max_memory_allocated() == 0
    for call in (lucid.ones(2).cuda, lucid.nn.Linear(2, 2).cuda):
        with pytest.raises(ValueError, match="device 'cuda' is not there"):
            call()
    for call in (lucid.cuda.synchronize, lucid.cuda.current_device, lucid.cuda.get_device_name):
        with pytest.raises(RuntimeError, match="no CUDA device"):
            call()


@pytest.mark.parametrize("kind", [lucid.float16, lucid.bfloat16, lucid.half, "float16", np.float16])
def test_half_precision_is_a_name_that_is_refused_when_used(kind):
    x = lucid.ones(2)
    for call in (
        lambda: lucid.zeros(2, dtype=kind),
        lambda: x.to(kind),
        lambda: x.type(kind),
        lambda: lucid.nn.Linear(2, 2).to(kind),
        lambda: lucid.set_default_dtype(kind),
        lambda: lucid.finfo(kind),
        lambda: lucid.amp.autocast("cpu", dtype=kind),
    ):
        with pytest.raises(TypeError, match="float16.*(float32|dtype)"):
            call()
    assert x.dtype is not lucid.float16 and x.dtype != lucid.bfloat16
    for call in (x.half, x.bfloat16):
        with pytest.raises(TypeError, match="float16 is not there"):
            call()


def test_the_default_dtype_is_followed():
    assert lucid.get_default_dtype() is lucid.float32
    lucid.set_default_dtype(lucid.float64)
    try:
        integers = lucid.tensor([1, 2])
        for x in (
            lucid.zeros(2), lucid.ones(2), lucid.empty(2), lucid.full((2,), 1.5), lucid.eye(2), lucid.linspace(0, 1, 2),
            lucid.arange(0.0, 1.0), lucid.rand(2), lucid.randn(2), lucid.normal(0.0, 1.0, (2,)), lucid.tensor([1.5]),
            lucid.as_tensor(2.5), integers / 2, integers * 1.5, integers.exp(), lucid.nn.Linear(2, 2).weight,
            lucid.nn.Parameter(),
        ):  # fmt: skip
            assert x.dtype is lucid.float64
        assert lucid.tensor(1).dtype is lucid.int64 and lucid.zeros(2, dtype=lucid.float32).dtype is lucid.float32
        assert lucid.finfo().dtype == "float64"
    finally:
        lucid.set_default_dtype(lucid.float32)
    with pytest.raises(TypeError, match="float32 or float64, got lucid.int64"):
        lucid.set_default_dtype(lucid.int64)
    assert lucid.get_default_dtype() is lucid.float32


def test_limits_of_number_types():
    f = lucid.finfo(lucid.float64)
    assert (f.bits, f.eps, f.dtype, f.tiny) == (64, 2.0**-52, "float64", 2.0**-1022) and f.min == -f.max
    assert f.max == (2 - 2.0**-52) * 2.0**1023
    assert lucid.finfo(lucid.float32).max == (2 - 2.0**-23) * 2.0**127
    assert [lucid.iinfo(k).max for k in (lucid.uint8, lucid.int32, lucid.int64)] == [255, 2**31 - 1, 2**63 - 1]
    assert (lucid.iinfo(lucid.int32).min, lucid.iinfo(lucid.uint8).bits) == (-(2**31), 8)
    assert "eps=1.19" in repr(lucid.finfo(lucid.float32)) and "max=255" in repr(lucid.iinfo(lucid.uint8))
    for call, kind in ((lucid.finfo, lucid.int64), (lucid.iinfo, lucid.float32), (lucid.iinfo, lucid.bool)):
        with pytest.raises(TypeError, match="expected"):
            call(kind)


def test_type_names_and_casts():
    x = lucid.tensor([1.7])
    assert x.type() == "lucid.FloatTensor" and x.type("torch.LongTensor").tolist() == [1]
    assert x.type(lucid.float64).type() == "lucid.DoubleTensor" and x.type(lucid.float32) is x
    assert x.type("bool").type() == "lucid.BoolTensor"
    with pytest.raises(TypeError, match="HalfTensor"):
        x.type("lucid.HalfTensor")


def _train(scaler, steps=3, bad_at=None):
    lucid.manual_seed(0)
    model = lucid.nn.Linear(3, 1)
    optimizer = lucid.optim.SGD(model.parameters(), lr=0.1)
    scales = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = model(lucid.ones(4, 3)).square().mean() * (float("inf") if step == bad_at else 1.0)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    return scales, model.weight.tolist()


def test_autocast_and_a_disabled_scaler_change_nothing():
    plain = _train(lucid.amp.GradScaler("cpu", enabled=False))
    with pytest.warns(UserWarning, match="no device 'cuda'"):
        scaler = lucid.amp.GradScaler()
    with lucid.amp.autocast("cpu", enabled=False), pytest.warns(UserWarning, match="disabled"):
        with lucid.cuda.amp.autocast():
            assert _train(scaler) == plain
    assert plain[0] == [1.0] * 3 and not scaler.is_enabled() and scaler.state_dict() == {}
    assert (
        lucid.amp.autocast("cpu", dtype=lucid.float32)(lambda: (lucid.ones(2) @ lucid.ones(2)).dtype)() is lucid.float32
    )
    with pytest.raises(TypeError, match="bfloat16, the default on the CPU.*enabled=False"):
        lucid.amp.autocast("cpu")


def test_a_scaler_scales_skips_and_adapts():
    plain = _train(lucid.amp.GradScaler("cpu", enabled=False))[1]
    scales, weight = _train(lucid.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2))
    assert scales == [8.0, 16.0, 16.0] and weight == plain  # powers of two: the same bits
    scaler = lucid.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    scales, weight = _train(scaler, 4, bad_at=1)
    assert scales == [8.0, 4.0, 4.0, 8.0] and weight == plain
    other = lucid.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == scaler.state_dict() and other.get_scale() == 8.0


def test_what_a_scaler_refuses():
    model = lucid.nn.Linear(1, 1)
    optimizer = lucid.optim.SGD(model.parameters(), lr=0.1)
    scaler = lucid.amp.GradScaler("cpu")
    with pytest.raises(RuntimeError, match="no step"):
        scaler.update()
    scaler.scale(model(lucid.ones(1, 1)).sum()).backward()
    scaler.unscale_(optimizer)
    assert model.bias.grad.item() == 1.0
    with pytest.raises(RuntimeError, match="unscaled already"):
        scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="closure"):
        scaler.step(optimizer, lambda: None)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match="already"):
        scaler.step(optimizer)
    scaler.update(2.0)
    assert scaler.get_scale() == 2.0 and [x.item() for x in scaler.scale([lucid.ones(1)])] == [2.0]
    for options in ({"growth_factor": 1.0}, {"backoff_factor": 1.0}):
        with pytest.raises(ValueError, match="GradScaler: growth_factor"):
            lucid.amp.GradScaler("cpu", **options)
    with pytest.raises(RuntimeError, match="disabled"):
        scaler.load_state_dict({})
    with pytest.raises(TypeError, match="scale: expected"):
        scaler.scale(1.0)
