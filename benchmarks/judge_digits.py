"""Judges generated digits with a classifier trained on the real scans.

    python main.py --config=configs/wgan_gp.py --mode=sample --num=2000 --out=samples.npz
    python benchmarks/judge_digits.py samples.npz

The classifier is an SVM with an RBF kernel on the 1,797 scans at 8x8; its confidence on scans that
it has not seen (5 folds) is printed beside its confidence on the samples. Prints JSON.
"""

import json
import sys
import warnings

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.svm import SVC


def judge(images: np.ndarray) -> dict:
    """Returns the share of every class and the mean confidence for uint8 images [N, H, W, 1]."""
    warnings.simplefilter('ignore', FutureWarning)
    digits = load_digits()
    classifier = SVC(C=10, gamma=0.001, probability=True, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    unseen = cross_val_predict(
        classifier, digits.data, digits.target, cv=folds, method='predict_proba'
    )
    classifier.fit(digits.data, digits.target)
    small = np.stack(
        [np.asarray(Image.fromarray(i[:, :, 0]).resize((8, 8), Image.BOX)) for i in images]
    )
    seen = classifier.predict_proba(digits.data)
    probabilities = classifier.predict_proba(small.reshape(len(small), -1) / 255 * 16)
    shares = np.bincount(probabilities.argmax(1), minlength=10) / len(images)
    return {
        'samples': len(images),
        'share_per_class': [round(float(share), 4) for share in shares],
        'smallest_share': round(float(shares.min()), 4),
        'mean_confidence': round(float(probabilities.max(1).mean()), 4),
        'mean_confidence_on_the_scans': round(float(seen.max(1).mean()), 4),
        'mean_confidence_on_unseen_scans': round(float(unseen.max(1).mean()), 4),
        'accuracy_on_unseen_scans': round(float((unseen.argmax(1) == digits.target).mean()), 4),
    }


if __name__ == '__main__':
    print(json.dumps(judge(np.load(sys.argv[1])['image']), indent=2))
