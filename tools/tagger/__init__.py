"""How `registry/redaction/tagger.onnx` is made: a network of Chinese words, taught on the open labelled texts.

It begins with the lexical network that jieba carries (`lac_small`, MIT; made by Baidu's LAC, Apache-2.0), which has read
far more Chinese than we could write, and learns from `tests/corpus/open` what goes and what stays. Nothing unseen is read.

    python -m venv training && training/bin/pip install --require-hashes -r requirements/training.txt
    training/bin/python -m tools.tagger            # some half an hour on two cores
    training/bin/python -m tools.tagger --without twelfth,sixteenth --keep /tmp/trial   # a trial, to be measured on two files it has not read
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
