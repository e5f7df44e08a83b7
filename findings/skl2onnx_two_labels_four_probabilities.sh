#!/usr/bin/env bash
# skl2onnx writes four probabilities for an MLPClassifier of two labels (multilabel): 1 - p of both, then p of both, where
# predict_proba and the exports of other numbers of labels give p alone. Column 1 of the file is no probability of label 1.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check skl2onnx==1.20.0 scikit-learn==1.9.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys

import numpy as np
import onnxruntime
import skl2onnx
import sklearn
from sklearn.neural_network import MLPClassifier

print(f"skl2onnx {skl2onnx.__version__}, scikit-learn {sklearn.__version__}, onnxruntime {onnxruntime.__version__}, python {sys.version.split()[0]}")
onnxruntime.set_default_logger_severity(3)
x = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
columns, apart = {}, {}
for labels in (2, 3, 4):
    classifier = MLPClassifier((5,), max_iter=300, random_state=0).fit(x, (x[:, :labels] > 0).astype(int))
    model = skl2onnx.to_onnx(classifier, x[:1], options={id(classifier): {"zipmap": False}})
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted, given = classifier.predict_proba(x), session.run(["probabilities"], {"X": x})[0]
    columns[labels] = given.shape[1]
    apart[labels] = float(np.abs(given[:, :labels] - wanted).max())
    print(f"{labels} labels: predict_proba has {wanted.shape[1]} columns, the file {columns[labels]}; the first {labels} differ by {apart[labels]:.1e}")
    if labels == 2:
        both = np.concatenate([1 - wanted, wanted], axis=1)
        print("the four are 1 - p, 1 - p, p, p:", bool(np.abs(given - both).max() < 1e-5) if given.shape == both.shape else False)
surprise = columns == {2: 4, 3: 3, 4: 4} and apart[2] > 0.1 and max(apart[3], apart[4]) < 1e-5
sys.exit(0 if surprise else 1)
PYTHON
