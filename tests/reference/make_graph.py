"""Writes graph.pb: a small frozen graph as TensorFlow saves it.

pip install tensorflow
python tests/reference/make_graph.py
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

if __name__ == '__main__':
    with tf.Graph().as_default() as graph:
        whole = tf.constant(np.arange(24, dtype=np.float32).reshape(2, 3, 4), name='scope/whole')
        filled = tf.constant(0.5, shape=(3, 4), name='scope/filled')
        tf.constant(7.0, name='one')
        tf.constant(np.zeros((0, 5), np.float32), name='none')
        tf.constant(np.arange(5), name='integers')
        tf.constant('text', name='text')
        tf.add(whole, filled, name='sum')
    (Path(__file__).parent / 'graph.pb').write_bytes(graph.as_graph_def().SerializeToString())
