"""The taught network as one ONNX file of half-precision numbers, with its characters and tags inside."""

from __future__ import annotations

import json
from collections.abc import Set
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from registry.redaction.tagger_input import RULES, SIZES
from tools.tagger.material import TAGS
from tools.tagger.network import Tagger
from tools.tagger.pretrained import WIDTH, read_characters

_OPSET = 17
_IR_VERSION = 9


class _Graph:
    """Nodes and numbers as they are put together."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.numbers: list[Any] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def put(self, name: str, numbers: NDArray[Any]) -> str:
        """Kept by halves, computed with whole."""
        self.numbers.append(numpy_helper.from_array(numbers.astype(np.float16), f"{name}_half"))
        return self.add("Cast", [f"{name}_half"], name, to=TensorProto.FLOAT)

    def put_places(self, name: str, places: list[int]) -> str:
        self.numbers.append(numpy_helper.from_array(np.array(places, dtype=np.int64), name))
        return name

    def add_layer(
        self, name: str, x: str, weights: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], before: int
    ) -> str:
        """A layer of both directions; `x` and what comes out are a row a character."""
        given = [self.put(f"{name}_{part}", numbers) for part, numbers in zip("WRB", weights, strict=True)]
        y = self.add(
            "GRU", [x, *given], f"{name}_y", hidden_size=WIDTH, direction="bidirectional", linear_before_reset=before
        )
        return self.add(
            "Reshape",
            [self.add("Transpose", [y], f"{name}_t", perm=[0, 2, 1, 3]), "shape"],
            f"{name}_out",
        )


def export(network: Tagger, read: Set[str], path: Path) -> None:
    """Write `network` to `path`: from rows of characters and columns to the likelihood of each tag.

    `read` are the characters it has learned with, folded; of the others the common ones are kept, the rest is read as unknown.
    """
    state = {name: value.detach().numpy() for name, value in network.state_dict().items()}
    rows = read_characters()
    characters = sorted(c for c in rows if len(c) == 1 and (c in read or _is_common(c)))
    graph = _Graph()
    graph.put_places("shape", [0, 0, 2 * WIDTH])
    graph.put_places("second", [1])
    table = state["pretrained.characters.weight"][[rows["OOV"], *(rows[c] for c in characters)]]
    vectors = graph.add("Gather", [graph.put("table", table), "characters"], "vectors")
    layers = [graph.add("Unsqueeze", [vectors, "second"], "vectors_of_text")]
    for index in (0, 2):
        layers.append(graph.add_layer(f"layer{index}", layers[-1], _read_pretrained(state, index), before=0))
    for index in range(len(SIZES)):
        row = graph.add("Gather", ["columns", graph.put_places(f"index{index}", [index])], f"column{index}", axis=0)
        wide = graph.add("Gather", [graph.put(f"known{index}", state[f"columns.{index}.weight"]), row], f"wide{index}")
        layers.append(graph.add("Transpose", [wide], f"known_of_text{index}", perm=[1, 0, 2]))
    joined = graph.add("Concat", layers, "joined", axis=2)
    top = graph.add_layer("top", joined, _read_top(state), before=1)
    product = graph.add("MatMul", [top, graph.put("out_weight", state["out.weight"].T)], "product")
    logits = graph.add("Add", [product, graph.put("out_bias", state["out.bias"])], "logits")
    graph.add("Softmax", [logits], "likelihoods", axis=-1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "tagger",
            [
                helper.make_tensor_value_info("characters", TensorProto.INT64, ["length"]),
                helper.make_tensor_value_info("columns", TensorProto.INT64, [len(SIZES), "length"]),
            ],
            [helper.make_tensor_value_info("likelihoods", TensorProto.FLOAT, ["length", 1, len(TAGS)])],
            graph.numbers,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    helper.set_model_props(
        model, {"characters": "".join(characters), "tags": json.dumps(TAGS), "reads": json.dumps([SIZES, RULES])}
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _is_common(character: str) -> bool:
    """Whether the standard set of simplified Chinese (GB 2312) has it."""
    try:
        return bool(character.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def _read_pretrained(state: dict[str, NDArray[Any]], index: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """ONNX mixes in the old state by the gate by which jieba's network mixes in the new one: its sign turns."""
    weights: list[list[NDArray[Any]]] = [[], [], []]
    for i in (index, index + 1):
        p = {name: state[f"pretrained.parts.{name}{i}"] for name in ("input", "bias", "gates", "state")}
        signs = np.repeat([-1.0, 1.0, 1.0], WIDTH)
        weights[0].append((p["input"] * signs).T)
        weights[1].append((np.concatenate([p["gates"], p["state"]], axis=1) * signs).T)
        weights[2].append(np.concatenate([p["bias"] * signs, np.zeros(3 * WIDTH)]))
    return np.stack(weights[0]), np.stack(weights[1]), np.stack(weights[2])


def _read_top(state: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Torch has reset, update, new; ONNX update, reset, new."""

    def turn(name: str) -> NDArray[Any]:
        return np.stack([_swap(state[f"top.{name}_l0"]), _swap(state[f"top.{name}_l0_reverse"])])

    return turn("weight_ih"), turn("weight_hh"), np.concatenate([turn("bias_ih"), turn("bias_hh")], axis=1)


def _swap(numbers: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([numbers[WIDTH : 2 * WIDTH], numbers[:WIDTH], numbers[2 * WIDTH :]])
