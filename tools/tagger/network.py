"""The network while it learns: jieba's two layers, what else is known of a character, one more layer, the tags."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tools.tagger.pretrained import WIDTH, read_parameter

COLUMN_WIDTH = 16


@torch.jit.script
def _run(x: Tensor, inside: Tensor, gates: Tensor, state: Tensor, bias: Tensor, backwards: bool) -> Tensor:
    """One direction of a layer as the framework it comes from computes it: the reset comes before the product."""
    steps, width = x.size(0), state.size(0)
    hidden = torch.zeros(x.size(1), width)
    out = [hidden] * steps
    x = x + bias
    for k in range(steps):
        t = steps - 1 - k if backwards else k
        gate = torch.sigmoid(x[t, :, : 2 * width] + hidden @ gates)
        update, reset = gate[:, :width], gate[:, width:]
        candidate = torch.tanh(x[t, :, 2 * width :] + (reset * hidden) @ state)
        new = (1 - update) * hidden + update * candidate
        hidden = inside[t] * new + (1 - inside[t]) * hidden
        out[t] = hidden
    return torch.stack(out)


class Pretrained(nn.Module):
    """The layers that jieba carries."""

    def __init__(self) -> None:
        super().__init__()
        self.characters = nn.Embedding.from_pretrained(
            torch.tensor(read_parameter("word_emb")).reshape(-1, WIDTH), freeze=False
        )
        self.parts = nn.ParameterDict()
        for index in range(4):
            recurrent = torch.tensor(read_parameter(f"gru_{index}.w_0"))
            cut = 2 * WIDTH * WIDTH
            self.parts[f"input{index}"] = torch.tensor(read_parameter(f"fc_{index}.w_0")).reshape(-1, 3 * WIDTH)
            self.parts[f"bias{index}"] = torch.tensor(
                read_parameter(f"fc_{index}.b_0") + read_parameter(f"gru_{index}.b_0")
            )
            self.parts[f"gates{index}"] = recurrent[:cut].reshape(WIDTH, 2 * WIDTH).clone()
            self.parts[f"state{index}"] = recurrent[cut:].reshape(WIDTH, WIDTH).clone()

    def forward(self, characters: Tensor, inside: Tensor, drop: nn.Dropout) -> tuple[Tensor, Tensor, Tensor]:
        vectors = drop(self.characters(characters))
        first = self._layer(vectors, inside, 0)
        return vectors, first, self._layer(drop(first), inside, 2)

    def _layer(self, x: Tensor, inside: Tensor, index: int) -> Tensor:
        p = self.parts
        directions = [
            _run(x @ p[f"input{i}"], inside, p[f"gates{i}"], p[f"state{i}"], p[f"bias{i}"], i > index)
            for i in (index, index + 1)
        ]
        return torch.cat(directions, -1)


class Tagger(nn.Module):
    """Of each character of some texts, how likely each tag is (as logits). Texts run down, `lengths` says how far."""

    def __init__(self, sizes: Sequence[int], tags: int) -> None:
        super().__init__()
        self.pretrained = Pretrained()
        self.columns = nn.ModuleList([nn.Embedding(size, COLUMN_WIDTH) for size in sizes])
        self.drop = nn.Dropout(0.3)
        self.top = nn.GRU(5 * WIDTH + COLUMN_WIDTH * len(sizes), WIDTH, bidirectional=True)
        self.out = nn.Linear(2 * WIDTH, tags)

    def forward(self, characters: Tensor, columns: Tensor, lengths: Tensor) -> Tensor:
        inside = (torch.arange(characters.size(0))[:, None] < lengths[None, :]).float()[:, :, None]
        layers = self.pretrained(characters, inside, self.drop)
        known = [embedding(column) for embedding, column in zip(self.columns, columns, strict=True)]
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(torch.cat([*layers, *known], -1)), lengths, enforce_sorted=False
        )
        hidden, _ = nn.utils.rnn.pad_packed_sequence(self.top(packed)[0])
        return self.out(self.drop(hidden))
