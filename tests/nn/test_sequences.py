"""Parts of networks that read sequences, against torch's own modules, loops over prefixes, and cases worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hilum.core.sequence import Sequenced
from hilum.nn.sequences.causal_convolution import CausalConvolution
from hilum.nn.sequences.grouped_gru import GroupedGRU
from hilum.nn.sequences.losses import (
    Criterion,
    Targets,
    balanced_weights,
    log_probability,
    time_aware_weights,
)
from hilum.nn.sequences.records import Records, usual_gap
from hilum.nn.sequences.recurrent import Recurrent
from hilum.nn.sequences.session import torch_session


def rows_of(lengths: list[int], columns: int = 3) -> Sequenced:
    series = np.repeat(np.arange(len(lengths)), lengths)
    step = np.concatenate([np.arange(n) * 2.0 + 5 for n in lengths])
    values = np.random.default_rng(0).standard_normal((len(series), columns))
    return Sequenced(values, series, step, np.arange(len(series)) % 2 == 0)


# ---------------------------------------------------------------------------------------------------- records


def test_batches_hold_every_record_once_and_the_longest_first() -> None:
    rows = rows_of([2, 5, 1, 4])
    records = Records(rows, 0, usual_gap(rows))
    batch = records.batch(np.array([2, 0, 1, 3]))
    assert batch.mask.sum(dim=1).tolist() == [5, 4, 2, 1]
    assert batch.rows[batch.mask].sort().values.tolist() == list(range(12))
    assert torch.equal(
        batch.series[batch.mask], torch.from_numpy(rows.values.astype(np.float32))[batch.rows[batch.mask]]
    )
    assert not batch.series[~batch.mask].any()
    assert batch.gaps[0].tolist() == [0.0, 1.0, 1.0, 1.0, 1.0]
    assert batch.gaps[2].tolist() == [0.0, 1.0, 0.0, 0.0, 0.0]
    assert batch.asked.sum() == rows.asked.sum()
    assert not (batch.asked & ~batch.mask).any()
    assert [len(part.mask) for part in records.batches(np.arange(4), 3)] == [3, 1]


def test_the_session_leaves_no_trace() -> None:
    torch.manual_seed(1)
    threads = torch.get_num_threads()
    first = torch.rand(1)
    torch.manual_seed(1)
    with torch_session(7):
        drawn = torch.rand(1)
        assert torch.get_num_threads() == 1
    assert torch.equal(torch.rand(1), first)
    assert torch.get_num_threads() == threads
    with torch_session(7):
        assert torch.equal(torch.rand(1), drawn)


# ---------------------------------------------------------------------------------------------------- losses


def test_log_probability_is_torchs_cross_entropy() -> None:
    scores, codes = torch.randn(9, 3), torch.arange(9) % 3
    whole = torch.nn.functional.cross_entropy(scores, codes, reduction="none")
    assert torch.allclose(-log_probability(scores, codes), whole, atol=1e-6)
    odds, two = torch.randn(9, 1), torch.arange(9) % 2
    binary = torch.nn.functional.binary_cross_entropy_with_logits(odds[:, 0], two.float(), reduction="none")
    assert torch.allclose(-log_probability(odds, two), binary, atol=1e-6)


def test_balanced_weights_give_classes_the_same_say() -> None:
    codes = torch.tensor([0, 0, 0, 1])
    weights = balanced_weights(codes, codes, 2)
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])
    assert balanced_weights(torch.tensor([1, 0]), codes, 2).tolist() == pytest.approx([2.0, 2 / 3])


def test_time_aware_weights_rise_from_one_to_two() -> None:
    train = torch.tensor([-3.0, 0.0, 10.0, 1e9])
    weights = time_aware_weights(train, train)
    raw = np.array([1.0, 1.0, 2 - math.exp(-1), 2.0])
    assert weights.tolist() == pytest.approx((raw / raw.mean()).tolist())


def test_the_published_time_aware_loss_by_hand() -> None:
    p, late = np.array([0.8, 0.3, 0.6]), np.array([-1.0, 0.5, 2.0])
    truth = np.array([1, 0, 1])
    odds = torch.tensor(np.log(p / (1 - p)), dtype=torch.float32).unsqueeze(1)
    targets = Targets(torch.tensor(truth), torch.tensor(late, dtype=torch.float32))
    criterion = Criterion(targets, answers_number=False, form="time_aware_published")
    entropy = -np.where(truth == 1, np.log(p), np.log(1 - p))
    by_hand = (np.exp(-0.1 * late) * entropy).mean() - 0.1 * (late * np.abs(truth - p)).mean()
    said = criterion.over(criterion.of_records(odds, torch.arange(3)))
    assert float(said) == pytest.approx(by_hand, rel=1e-6)
    # The odd sign: with many days left an error pays, down to where the whole is cut off and nothing is learnt.
    far = Criterion(Targets(targets.codes, torch.full((3,), 200.0)), answers_number=False, form="time_aware_published")
    leaf = odds.clone().requires_grad_()
    end = far.over(far.of_records(leaf, torch.arange(3)))
    end.backward()
    assert float(end.detach()) == 0.0
    assert leaf.grad is not None
    assert not leaf.grad.any()


def test_class_and_number_are_added() -> None:
    scores = torch.tensor([[0.0, 1.5], [0.0, -1.0]])
    targets = Targets(torch.tensor([0, 1]), torch.tensor([1.0, 1.0]))
    criterion = Criterion(targets, answers_number=True)
    said = criterion.over(criterion.of_records(scores, torch.arange(2)))
    assert float(said) == pytest.approx(math.log(2) + (0.25 + 4.0) / 2, rel=1e-6)
    alone = Criterion(Targets(None, targets.numbers), answers_number=True)
    assert alone.of_records(scores[1:, 1:], torch.tensor([1])).tolist() == pytest.approx([4.0])


# ---------------------------------------------------------------------------------------------------- recurrent


@pytest.mark.parametrize(("cell", "layer"), [("plain", "RNN"), ("gru", "GRU"), ("lstm", "LSTM")])
def test_recurrent_is_torchs_layer(cell: str, layer: str) -> None:
    torch.manual_seed(0)
    encoder = Recurrent(cell, 4, 6, layers=2).eval()
    own = getattr(torch.nn, layer)(4, 6, num_layers=2, batch_first=True)
    own.load_state_dict(encoder.layers.state_dict())
    series, static = torch.randn(3, 5, 3), torch.randn(3, 1)
    mask = torch.arange(5) < torch.tensor([5, 3, 1]).unsqueeze(1)
    states = encoder(series, static, mask, torch.zeros(3, 5))
    for row, length in enumerate((5, 3, 1)):
        inputs = torch.cat([static[row].expand(length, -1), series[row, :length]], dim=1)
        assert torch.allclose(states[row, :length], own(inputs)[0], atol=1e-6)


def test_grouped_grus_are_a_loop_of_torchs() -> None:
    torch.manual_seed(0)
    grouped = GroupedGRU(5, 4)
    series, counts = torch.randn(3, 6, 5), [3, 3, 2, 2, 1, 1]
    found = grouped(series, counts)
    assert [part.shape for part in found] == [(5, count, 4) for count in counts]
    for column in range(5):
        own = torch.nn.GRU(1, 4, batch_first=True)
        own.weight_ih_l0.data, own.weight_hh_l0.data = grouped.inputs[column].t(), grouped.states[column].t()
        own.bias_ih_l0.data, own.bias_hh_l0.data = grouped.input_offsets[column, 0], grouped.state_offsets[column, 0]
        whole = own(series[:, :, column : column + 1])[0]
        for step, count in enumerate(counts):
            assert torch.allclose(found[step][column], whole[:count, step], atol=1e-6)


def test_causal_convolution_is_torchs() -> None:
    torch.manual_seed(0)
    for kernel, dilation in ((2, 1), (2, 5), (3, 2)):
        own = CausalConvolution(4, 6, kernel, dilation)
        theirs = torch.nn.Conv1d(4, 6, kernel, dilation=dilation)
        shifted = own.weights.weight.reshape(6, kernel, 4).flip(1).permute(0, 2, 1)
        theirs.weight.data, theirs.bias.data = shifted.contiguous(), own.weights.bias
        series = torch.randn(3, 9, 4)
        padded = torch.nn.functional.pad(series.transpose(1, 2), ((kernel - 1) * dilation, 0))
        assert torch.allclose(own(series), theirs(padded).transpose(1, 2), atol=1e-6)
