"""What every registered model promises."""

from __future__ import annotations

import copy
import functools
import inspect
import shutil

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import cifarzoo
from cifarzoo.errors import SettingError
from cifarzoo.models import Classifier

NAMES = cifarzoo.list_models()
SMALLEST = min(NAMES, key=lambda name: cifarzoo.model_info(name).params)

every_model = pytest.mark.parametrize("name", NAMES)


def awake(model: Classifier) -> Classifier:
    """The model with no parameter at zero and batch norm's statistics taken from noise, as after some training."""
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.2 if parameter.ndim == 1 else 0.02)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(noise(model, 4))
    for norm in norms:
        norm.momentum = 0.1
    return model.eval()


@functools.lru_cache(maxsize=1)
def built(name: str) -> Classifier:
    """A model in eval mode that tests share and leave as it is; pytest runs the tests of a model one after another."""
    return awake(cifarzoo.create(name, seed=0))


def noise(model: Classifier, batch: int, height: int | None = None, width: int | None = None) -> Tensor:
    """(batch, C, H, W) standard normal, by default of the smallest legal size."""
    generator = torch.Generator().manual_seed(1)
    height, width = height or model.min_size, width or height or model.min_size
    return torch.randn(batch, model.in_channels, height, width, generator=generator)


def assert_near(found: Tensor, wanted: Tensor, relative: float = 1e-4) -> None:
    """Equal up to a fraction of the largest entry."""
    assert found.shape == wanted.shape
    assert (found.float() - wanted.float()).abs().max() <= relative * wanted.abs().max()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Group the tests by model, so that each is built once."""
    if "model" in metafunc.fixturenames:
        metafunc.parametrize("model", NAMES, indirect=True, scope="module")


@pytest.fixture(scope="module")
def model(request: pytest.FixtureRequest) -> Classifier:
    return built(request.param)


def test_spec_is_true(model: Classifier) -> None:
    spec = cifarzoo.model_info(model.arch)
    size = spec.input_size
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size))
    assert spec.params == sum(parameter.numel() for parameter in model.parameters())
    assert 2 * spec.macs == counter.get_total_flops()
    assert (spec.num_classes, spec.min_size) == (model.num_classes, model.min_size)
    assert spec.min_size <= 32
    assert spec.input_size == model.default_input_size


def test_kernels_are_plain(model: Classifier) -> None:
    """Grouped and dilated convolutions fall to slow code on CPUs, and so do widths that are no multiple of a vector."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            assert (layer.groups, layer.dilation) == (1, (1, 1))
            assert layer.out_channels % 8 == 0


def test_builder_takes_keywords_by_name(model: Classifier) -> None:
    parameters = inspect.signature(type(model)).parameters.values()
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    assert {"num_classes", "in_channels", "dropout"} <= {parameter.name for parameter in parameters}


@settings(max_examples=6)
@given(data=st.data())
def test_output_shape(model: Classifier, data: st.DataObject) -> None:
    sides = st.integers(model.min_size, model.min_size + 20)
    batch, height, width = data.draw(st.integers(0, 3)), data.draw(sides), data.draw(sides)
    with torch.no_grad():
        logits = model(noise(model, batch, height, width))
    assert logits.shape == (batch, model.num_classes)
    assert logits.isfinite().all()


@settings(max_examples=3)
@given(num_classes=st.integers(0, 300), in_channels=st.integers(1, 6))
def test_any_classes_and_channels(model: Classifier, num_classes: int, in_channels: int) -> None:
    other = cifarzoo.create(model.arch, num_classes=num_classes, in_channels=in_channels).eval()
    with torch.no_grad():
        logits = other(noise(other, 1))
    assert logits.shape == (1, num_classes or other.num_features)
    assert (other.num_classes, other.in_channels) == (num_classes, in_channels)


@settings(max_examples=4)
@given(data=st.data())
def test_feature_info_is_true(model: Classifier, data: st.DataObject) -> None:
    step = model.feature_info[-1]["reduction"]
    least = -(-(model.min_size - model.border_px) // step)
    sides = st.integers(least, least + 2).map(lambda count: count * step + model.border_px)
    height, width = data.draw(sides), data.draw(sides)
    shapes: list[torch.Size] = []
    stages = [model.get_submodule(info["module"]) for info in model.feature_info]
    hooks = [stage.register_forward_hook(lambda _m, _i, out: shapes.append(out.shape)) for stage in stages]
    with torch.no_grad():
        features = model.forward_features(noise(model, 2, height, width))
    for hook in hooks:
        hook.remove()
    height, width = height - model.border_px, width - model.border_px
    wanted = [
        (2, info["num_chs"], height // info["reduction"], width // info["reduction"]) for info in model.feature_info
    ]
    assert shapes == wanted
    assert features.shape == wanted[-1]
    assert model.num_features == wanted[-1][1]


def test_head_follows_features(model: Classifier) -> None:
    images = noise(model, 2)
    with torch.no_grad():
        features = model.forward_features(images)
        pooled = model.forward_head(features, pre_logits=True)
        torch.testing.assert_close(model.forward_head(features), model(images))
        torch.testing.assert_close(model.get_classifier()(pooled), model(images))
    assert pooled.shape == (2, model.num_features)


@settings(max_examples=3)
@given(order=st.permutations(range(4)))
def test_logits_permute_with_the_batch(model: Classifier, order: list[int]) -> None:
    images = noise(model, 4)
    with torch.no_grad():
        logits, permuted = model(images), model(images[order])
    assert_near(permuted, logits[order])
    assert not torch.allclose(logits[0], logits[1])  # the images do count


def test_too_small_inputs_are_refused(model: Classifier) -> None:
    least = model.min_size
    for height, width in ((least - 1, least), (least, least - 1)):
        with pytest.raises(SettingError, match=f"at least {least}"):
            model(torch.zeros(1, 3, height, width))


def test_other_channels_are_refused(model: Classifier) -> None:
    with pytest.raises(SettingError, match="in_channels"):
        model(torch.zeros(1, 4, 32, 32))


def test_channels_last(model: Classifier) -> None:
    images = noise(model, 2, 32)
    other = copy.deepcopy(model).to(memory_format=torch.channels_last)
    with torch.no_grad():
        features = other.forward_features(images.to(memory_format=torch.channels_last))
        assert_near(other.forward_head(features), model(images))
    assert features.is_contiguous(memory_format=torch.channels_last)


def test_safetensors_and_deepcopy(model: Classifier) -> None:
    images = noise(model, 2)
    other = copy.deepcopy(model)
    with torch.no_grad():
        wanted = model(images)
        assert torch.equal(other(images), wanted)
        for parameter in other.parameters():
            parameter.zero_()
        assert not torch.equal(other(images), wanted)
        assert torch.equal(model(images), wanted)
        other.load_state_dict(safetensors.torch.load(safetensors.torch.save(model.state_dict())))
        assert torch.equal(other(images), wanted)


def test_export_with_a_dynamic_batch(model: Classifier) -> None:
    exported = torch.export.export(
        model, (noise(model, 2),), dynamic_shapes={"x": {0: torch.export.Dim("batch", min=1)}}
    ).module()
    images = noise(model, 3)
    with torch.no_grad():
        assert_near(exported(images), model(images))


def test_compile_in_one_graph(model: Classifier) -> None:
    torch.compiler.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    images = noise(model, 2)
    assert_near(compiled(images), model(images))
    with pytest.raises(SettingError, match="at least"):  # the check stays in front
        torch.compile(model, backend="aot_eager")(images[:, :, 1:, 1:])


def test_training(model: Classifier) -> None:
    """Every parameter gets a gradient, one batch can be learnt by heart, and what was learnt survives bfloat16."""
    learner = copy.deepcopy(model).train()
    images = noise(learner, 4)  # small: without bf16 instructions the last lines run in reference code
    targets = torch.arange(4)
    head, body = [], []
    for key, value in learner.named_parameters():
        (head if key.startswith("classifier") else body).append(value)
    # A scaled head has larger weights, and features that are smaller by as much.
    head_lr = 1e-3 * max(1.0, learner.get_classifier().weight.std().item() ** 2 * learner.num_features)
    groups = [{"params": body}, {"params": head, "lr": head_lr}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, fused=True)
    losses = []
    for step in range(12):
        loss = F.cross_entropy(learner(images), targets)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            without = [
                key
                for key, value in learner.named_parameters()
                if value.requires_grad and (value.grad is None or not value.grad.any())
            ]
            assert not without
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    learner.eval()
    with torch.no_grad():
        wanted = learner(images)
        with torch.autocast("cpu", torch.bfloat16):
            found = learner(images)
    assert_near(found, wanted, 2e-2)
    assert found.argmax(1).tolist() == wanted.argmax(1).tolist() == targets.tolist()


@every_model
def test_seed(name: str) -> None:
    torch.manual_seed(3)
    drawn = cifarzoo.create(name, num_classes=2).state_dict()
    before = torch.get_rng_state()
    seeded = cifarzoo.create(name, num_classes=2, seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(seeded[key], value) for key, value in drawn.items())
    other = cifarzoo.create(name, num_classes=2, seed=4).state_dict()
    assert any(not torch.equal(other[key], value) for key, value in drawn.items())


@pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="inductor needs a C++ compiler")
def test_smallest_model_compiles_with_inductor() -> None:
    torch.compiler.reset()
    small = built(SMALLEST)
    compiled = torch.compile(small, fullgraph=True)
    images = noise(small, 2)
    with torch.no_grad():
        assert_near(compiled(images), small(images))
