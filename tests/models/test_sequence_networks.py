"""What each network of sequences computes: against torch's own modules and loops over prefixes, on *synthetic* records."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hilum.core.component import change
from hilum.core.errors import UsageError
from hilum.models.adacare.network import sparsemax
from hilum.models.adacare.settings import AdaCare
from hilum.models.causal_transformer.network import codes_of_place
from hilum.models.causal_transformer.settings import CausalTransformer
from hilum.models.concare.network import correlation
from hilum.models.concare.settings import ConCare
from hilum.models.dr_agent.settings import DrAgent
from hilum.models.grasp.network import clusters
from hilum.models.grasp.settings import Grasp
from hilum.models.mcgru.settings import MCGRU
from hilum.models.record_perceptron.settings import RecordPerceptron
from hilum.models.retain.settings import Retain
from hilum.models.stagenet.settings import StageNet
from hilum.models.temporal_convolution.settings import TemporalConvolution

LENGTHS = (6, 4, 4, 1)
MASK = torch.arange(6) < torch.tensor(LENGTHS).unsqueeze(1)


def records(columns: int = 4, static: int = 0, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """Series (4, 6, columns), static (4, static), mask and gaps."""
    torch.manual_seed(seed)
    series = torch.randn(4, 6, columns) * MASK.unsqueeze(2)
    return series, torch.randn(4, static), MASK, torch.rand(4, 6) * 2


def like(module: Any, **weights: Any) -> Any:
    """A module of torch's with these weights."""
    state = module.state_dict()
    assert weights.keys() == state.keys()
    module.load_state_dict(weights)
    return module


def test_temporal_convolution_is_torchs_blocks() -> None:
    encoder = TemporalConvolution(hidden=5, levels=2, kernel=3).encoder(4).eval()
    series, static, mask, gaps = records()
    x = series.transpose(1, 2)
    for level, block in enumerate(encoder.blocks):
        inner = x
        for part in (block.first, block.second):
            v = part.weights.parametrizations.weight.original1
            g = part.weights.parametrizations.weight.original0
            weight = (g * v / v.norm(dim=1, keepdim=True)).reshape(5, 3, -1).flip(1).permute(0, 2, 1)
            padded = torch.nn.functional.pad(inner, (2 * 2**level, 0))
            inner = torch.relu(torch.nn.functional.conv1d(padded, weight, part.weights.bias, dilation=2**level))
        beside = x if level else block.beside(x.transpose(1, 2)).transpose(1, 2)
        x = torch.relu(inner + beside)
    assert torch.allclose(encoder(series, static, mask, gaps), x.transpose(1, 2), atol=1e-6)


@pytest.mark.parametrize("reach", [1, 2, 7])
def test_temporal_convolution_reads_as_far_as_it_says(reach: int) -> None:
    encoder = TemporalConvolution(hidden=8, levels=3).encoder(4).eval()
    series = torch.randn(1, 20, 4)
    mask, gaps = torch.ones(1, 20, dtype=torch.bool), torch.zeros(1, 20)
    before = encoder(series, series[:, 0, :0], mask, gaps)[0, -1]
    series[0, 19 - 15] += 10
    assert torch.equal(encoder(series, series[:, 0, :0], mask, gaps)[0, -1], before)
    series[0, 19 - reach] += 10
    assert not torch.equal(encoder(series, series[:, 0, :0], mask, gaps)[0, -1], before)


@pytest.mark.parametrize("window", [None, 2])
def test_causal_transformer_is_torchs_encoder(window: int | None) -> None:
    settings = CausalTransformer(hidden=8, heads=2, layers=2, window=window)
    encoder = settings.encoder(4).eval()
    series, static, mask, gaps = records()
    x = encoder.project(series) + codes_of_place(6, 8)
    back = torch.arange(6).unsqueeze(1) - torch.arange(6)
    shut = (back < 0) | (back >= (window or 99))
    for layer in encoder.layers:
        theirs = torch.nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True).eval()
        theirs.load_state_dict(
            {
                "self_attn.in_proj_weight": torch.cat([layer.ask.weight, layer.offer.weight]),
                "self_attn.in_proj_bias": torch.cat([layer.ask.bias, layer.offer.bias]),
                "self_attn.out_proj.weight": layer.join.weight,
                "self_attn.out_proj.bias": layer.join.bias,
                "linear1.weight": layer.maps[0].weight,
                "linear1.bias": layer.maps[0].bias,
                "linear2.weight": layer.maps[3].weight,
                "linear2.bias": layer.maps[3].bias,
                "norm1.weight": layer.norms[0].weight,
                "norm1.bias": layer.norms[0].bias,
                "norm2.weight": layer.norms[1].weight,
                "norm2.bias": layer.norms[1].bias,
            }
        )
        x = theirs(x, src_mask=shut)
    assert torch.allclose(encoder(series, static, mask, gaps)[mask], x[mask], atol=1e-5)


def test_the_first_record_attends_to_every_prefix() -> None:
    settings = CausalTransformer(hidden=8, query="first", positions="none")
    encoder = settings.encoder(4).eval()
    series, static, mask, gaps = records()
    states, layer = encoder(series, static, mask, gaps), encoder.layers[0]
    for length in range(1, 7):
        x = encoder.project(series[:, :length])
        full = torch.ones(length, length, dtype=torch.bool)
        assert torch.allclose(layer(x, x, full)[:, 0], states[:, length - 1], atol=1e-6)
    with pytest.raises(UsageError, match="one layer"):
        change(settings, layers=2)


@pytest.mark.parametrize("embedding", ["linear", "none"])
@pytest.mark.parametrize("order", ["paper", "released"])
def test_retain_is_its_loop_over_prefixes(embedding: Any, order: Any) -> None:
    encoder = Retain(hidden=5, embedding=embedding, order=order, static_columns=1).encoder(3).eval()
    series, static, mask, gaps = records(3, static=1)
    states = encoder(series, static, mask, gaps)
    width = encoder.states.shape[1]
    grus = []
    for part in range(2):
        rows = slice(part * 3 * width, (part + 1) * 3 * width)
        grus.append(
            like(
                torch.nn.GRU(width, width, batch_first=True),
                weight_ih_l0=encoder.inputs.weight[rows],
                bias_ih_l0=encoder.inputs.bias[rows],
                weight_hh_l0=encoder.states[part].t(),
                bias_hh_l0=encoder.offsets[part, 0],
            )
        )
    for row, length in enumerate(LENGTHS):
        inputs = torch.cat([static[row].expand(length, -1), series[row, :length]], dim=1)
        for end in range(1, length + 1):
            v = encoder.embed(inputs[:end])
            backward = v.flip(0).unsqueeze(0)
            share = torch.softmax(encoder.record(grus[0](backward)[0][0]), dim=0)
            which = torch.tanh(encoder.values(grus[1](backward)[0][0]))
            context = (share * which * (backward[0] if order == "paper" else v)).sum(dim=0)
            assert torch.allclose(states[row, end - 1], encoder.close(context), atol=1e-6)


def test_adacare_is_its_loop_over_prefixes() -> None:
    encoder = AdaCare(hidden=6, kernels=3, gate="sparsemax").encoder(4).eval()
    series, static, mask, gaps = records()
    states = encoder(series, static, mask, gaps)
    for row, length in enumerate(LENGTHS):
        for end in range(1, length + 1):
            x = series[row : row + 1, :end]
            spans = []
            for convolution, apart in zip(encoder.changes, (1, 3, 5), strict=True):
                weight = convolution.weights.weight.reshape(3, 2, 4).flip(1).permute(0, 2, 1)
                padded = torch.nn.functional.pad(x.transpose(1, 2), (apart, 0))
                spans.append(torch.nn.functional.conv1d(padded, weight, convolution.weights.bias, dilation=apart))
            change_ = torch.relu(torch.cat(spans, dim=1)).transpose(1, 2)
            gate = encoder.change_gate
            opened = torch.sigmoid(gate.widen(torch.relu(gate.narrow(change_))))
            inputs = torch.cat([change_ * opened, x * encoder.record_gate(x)], dim=2)
            assert torch.allclose(encoder.gru(inputs)[0][0, -1], states[row, end - 1], atol=1e-6)


def test_sparsemax_is_the_projection_to_the_simplex() -> None:
    from scipy.optimize import brentq

    scores = np.random.default_rng(0).normal(scale=2.0, size=(40, 6))
    found = sparsemax(torch.from_numpy(scores)).numpy()
    for row, said in zip(scores, found, strict=True):
        level = brentq(lambda t, row=row: np.maximum(row - t, 0).sum() - 1, row.min() - 1, row.max())
        np.testing.assert_allclose(said, np.maximum(row - level, 0), atol=1e-9)
    assert (found == 0).any()
    leaf = torch.tensor([[0.3, 0.1, -2.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(sparsemax, (leaf,))


def test_mcgru_is_a_loop_of_torchs_grus() -> None:
    encoder = MCGRU(hidden=6, channel=3, static_columns=2).encoder(4).eval()
    series, static, mask, gaps = records(4, static=2)
    mixed, parts = encoder.mix(series), [encoder.fixed(static).unsqueeze(1).expand(-1, 6, -1)]
    for column in range(4):
        own = like(
            torch.nn.GRU(1, 3, batch_first=True),
            weight_ih_l0=encoder.grus.inputs[column].t(),
            bias_ih_l0=encoder.grus.input_offsets[column, 0],
            weight_hh_l0=encoder.grus.states[column].t(),
            bias_hh_l0=encoder.grus.state_offsets[column, 0],
        )
        parts.append(own(mixed[:, :, column : column + 1])[0])
    whole = encoder.join(torch.cat(parts, dim=2))
    assert torch.allclose(encoder(series, static, mask, gaps)[mask], whole[mask], atol=1e-6)


def grouped(grus: Any, column: int, hidden: int) -> Any:
    return like(
        torch.nn.GRU(1, hidden, batch_first=True),
        weight_ih_l0=grus.inputs[column].t(),
        bias_ih_l0=grus.input_offsets[column, 0],
        weight_hh_l0=grus.states[column].t(),
        bias_hh_l0=grus.state_offsets[column, 0],
    )


@pytest.mark.parametrize("intervals", ["observed", "steps"])
def test_concare_is_its_loop_over_prefixes_and_columns(intervals: Any) -> None:
    encoder = ConCare(hidden=4, heads=2, inner=5, static_columns=2, intervals=intervals).encoder(3).eval()
    series, static, mask, gaps = records(3, static=2)
    encoder.past.rates.data = torch.tensor([0.8, -0.4, 1.5])
    states = encoder(series, static, mask, gaps)
    attend = like(
        torch.nn.MultiheadAttention(4, 2, batch_first=True),
        in_proj_weight=encoder.split.weight,
        in_proj_bias=encoder.split.bias,
        **{"out_proj.weight": encoder.join.weight, "out_proj.bias": encoder.join.bias},
    )
    for row, length in enumerate(LENGTHS):
        for end in range(1, length + 1):
            when = gaps[row, :end].cumsum(0) if intervals == "observed" else torch.arange(end)
            heard = []
            for column in range(3):
                g = grouped(encoder.grus, column, 4)(series[row : row + 1, :end, column : column + 1])[0][0]
                query, keys = g[-1] @ encoder.past.queries[column], g @ encoder.past.keys[column]
                alike = torch.sigmoid(keys @ query)
                slow = torch.sigmoid(encoder.past.rates[column]) * torch.log(2.72 + 1 - alike)
                heard.append(torch.softmax(alike / (slow * (1 + when[-1] - when)), dim=0) @ g)
            m = torch.stack([*heard, torch.tanh(encoder.fixed(static[row]))]).unsqueeze(0)
            c = m + attend(m, m, m, need_weights=False)[0]
            c = c + encoder.maps(c)
            key, value = encoder.last(c)[0].chunk(2, dim=1)
            state = torch.softmax(key @ encoder.last_query(c[0, -1]), dim=0) @ value
            assert torch.allclose(states[row, end - 1], state, atol=1e-5)


def test_correlated_contexts_cost_half_their_squared_covariances() -> None:
    heard = torch.randn(9, 2, 3, dtype=torch.float64)
    by_hand = 0.0
    for column in range(2):
        covariance = np.cov(heard[:, column].numpy(), rowvar=False)
        by_hand += 0.5 * ((covariance**2).sum() - (np.diag(covariance) ** 2).sum())
    assert float(correlation(heard)) == pytest.approx(by_hand)
    assert float(correlation(heard[:1])) == 0.0


@pytest.mark.parametrize("intervals", ["observed", "steps"])
def test_stagenet_is_its_loop_over_prefixes(intervals: Any) -> None:
    chunk, levels, reach = 3, 2, 4
    settings = StageNet(hidden=chunk, levels=levels, reach=reach, intervals=intervals)
    encoder = settings.encoder(4).eval()
    series, static, mask, gaps = records()
    states = encoder(series, static, mask, gaps)
    kernel = encoder.convolution.weight.reshape(6, reach, 6).permute(0, 2, 1)
    for row, length in enumerate(LENGTHS):
        for end in range(1, length + 1):
            h, c = torch.zeros(6), torch.zeros(levels, chunk)
            window, moved = torch.zeros(reach, 6), torch.zeros(reach)
            for t in range(end):
                d = gaps[row, t : t + 1] if intervals == "observed" else torch.ones(1)
                y = encoder.inputs(torch.cat([series[row, t], d])) + encoder.states(torch.cat([h, d]))
                forget = torch.softmax(y[:2], 0).cumsum(0).unsqueeze(1)
                enter = torch.softmax(y[2:4], 0).flip(0).cumsum(0).flip(0).unsqueeze(1)
                f, i, o, g = y[4:].reshape(4, levels, chunk)
                f, i, o, g = f.sigmoid(), i.sigmoid(), o.sigmoid(), g.tanh()
                both = forget * enter
                c = both * (f * c + i * g) + (forget - both) * c + (enter - both) * g
                h = (o * c.tanh()).flatten()
                window, moved = torch.cat([window[1:], h[None]]), torch.cat([moved[1:], 1 - forget.mean()[None]])
            u = window * torch.softmax(moved.cumsum(0), 0).unsqueeze(1)
            z = torch.nn.functional.conv1d(u.t().unsqueeze(0), kernel, encoder.convolution.bias)[0, :, 0]
            z = z * encoder.widen(encoder.narrow(u.mean(0)).relu()).sigmoid()
            assert torch.allclose(states[row, end - 1], encoder.close(z + h), atol=1e-6)


def test_the_released_transformer_is_torchs_layer_on_every_prefix() -> None:
    settings = CausalTransformer(hidden=6, heads=1, feed_forward=4, form="released", static_columns=1)
    encoder = settings.encoder(4).eval()
    series, static, mask, gaps = records(4, static=1)
    states = encoder(series, static, mask, gaps)
    layer = torch.nn.TransformerEncoderLayer(5, 1, 20, activation="gelu", batch_first=True, norm_first=True).eval()
    first, _, _, last = encoder.maps
    both = torch.cat([encoder.ask.weight, encoder.key.weight, encoder.value.weight])
    like(
        layer,
        **{"self_attn.in_proj_weight": both, "self_attn.in_proj_bias": torch.zeros(15)},
        **{"self_attn.out_proj.weight": encoder.join.weight, "self_attn.out_proj.bias": torch.zeros(5)},
        **{"linear1.weight": first.weight, "linear1.bias": first.bias},
        **{"linear2.weight": last.weight, "linear2.bias": last.bias},
        **{
            f"norm{n + 1}.{part}": getattr(norm, part)
            for n, norm in enumerate(encoder.norms)
            for part in ("weight", "bias")
        },
    )
    for row, length in enumerate(LENGTHS):
        joined = torch.cat([static[row].expand(length, 1), series[row, :length]], 1)
        for end in range(1, length + 1):
            expected = encoder.close(layer(joined[None, :end])[0, 0])
            assert torch.allclose(states[row, end - 1], expected, atol=1e-6)
    with pytest.raises(UsageError, match="one layer of one head"):
        change(settings, heads=2)


def test_record_perceptron_reads_each_record_alone() -> None:
    encoder = RecordPerceptron(hidden=5, inner=3, static_columns=2).encoder(4).eval()
    series, static, mask, gaps = records(4, static=2)
    states = encoder(series, static, mask, gaps)
    first, widen, _, _, close = encoder.maps
    assert widen.weight.shape == (15, 5)
    for row, length in enumerate(LENGTHS):
        for t in range(length):
            u = widen(first(torch.cat([static[row], series[row, t]])))
            assert torch.allclose(states[row, t], close(u * torch.special.ndtr(u)), atol=1e-6)  # gelu(u) = u Phi(u)


def test_dr_agent_is_its_loop_with_a_buffer_of_states() -> None:
    encoder = DrAgent(hidden=5, actions=3, units=4, share=0.3, static_columns=2).encoder(4).eval()
    series, static, mask, gaps = records(4, static=2)
    states = encoder(series, static, mask, gaps)
    for row, length in enumerate(LENGTHS):
        s = static[row : row + 1]
        h, buffer = encoder.begin(s), torch.zeros(3, 5)
        for t in range(length):
            x = series[row : row + 1, t]
            recalled = h
            if t:
                buffer = torch.cat([buffer[1:], h])
                p = torch.softmax(encoder.of_past(torch.cat([buffer.mean(0, keepdim=True), s], 1)), 1)
                q = torch.softmax(encoder.of_record(torch.cat([s, x], 1)), 1)
                recalled = (p @ buffer + q @ buffer) / 2
            h = encoder.cell(x, 0.3 * recalled + 0.7 * h)
            assert torch.allclose(states[row, t], encoder.close(torch.cat([h, s], 1))[0], atol=1e-6)


def test_grasp_mixes_a_state_with_its_cluster() -> None:
    settings = Grasp(hidden=5, clusters=4, neighbours=1)
    encoder = settings.encoder(4).eval()
    series, static, mask, gaps = records()
    encoder.centres.copy_(torch.randn(4, 5))
    nearest = [[0, 1], [1, 2], [2, 0], [3, 0]]
    encoder.graph.copy_(torch.tensor([[0.5 * (c in of) for c in range(4)] for of in nearest]))
    states, own = encoder(series, static, mask, gaps), encoder.network(series, static, mask, gaps)
    known = encoder.centres
    for layer in (encoder.first, encoder.second):
        mapped = known @ layer.weight.t()
        known = torch.stack([mapped[of].mean(0) + layer.bias for of in nearest]).relu()
    for row, length in enumerate(LENGTHS):
        for t in range(length):
            g = own[row, t]
            near = known[int((encoder.centres @ g).relu().argmax())]
            a, b = encoder.of_cluster(near).sigmoid(), encoder.of_patient(g).sigmoid()
            assert torch.allclose(states[row, t], (a * near + b * g) / (a + b), atol=1e-6)


def test_clusters_are_those_of_train_and_stay() -> None:
    rng = np.random.default_rng(0)
    middles = np.array([[5.0, 0.0], [-5.0, 0.0], [0.0, 5.0]])
    states = (np.repeat(middles, 20, axis=0) + 0.1 * rng.standard_normal((60, 2))).astype(np.float32)
    found = clusters(states, 3, None, 0)
    np.testing.assert_allclose(found[found[:, 0].argsort()], middles[middles[:, 0].argsort()], atol=0.1)
    np.testing.assert_allclose(clusters(states + 0.5, 3, found, 1), found + 0.5, atol=1e-5)  # from where they were
    few = clusters(states[:2], 5, None, 0)
    assert few.shape == (5, 2)
    assert len(np.unique(few, axis=0)) == 2
