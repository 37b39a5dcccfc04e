"""Writes infogan.npz: what the authors' own TensorFlow code makes of weights drawn here.

    pip install tensorflow-cpu
    git clone https://github.com/openai/InfoGAN
    python tests/reference/make_infogan.py InfoGAN

Their code is of Python 2, TensorFlow 0 and Pretty Tensor. The first two are met by changes of words
as its text is read, which also makes the layers narrow, and by names of functions; of Pretty Tensor
`Template` and `Layer` do what is called: a chain of layers that is laid once and applied often.
Both losses are those that their trainer gives its optimisers. Weights, by Flax's names, and inputs
are drawn by `weight` and `draw`, which the test calls too. Images are stored [B, H, W, C], in
[0, 1].
"""

import re
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np

FILE = Path(__file__).parent / 'infogan.npz'
BATCH, SIZE = 16, 8
NOISE, CATEGORIES, CONTINUOUS = 4, 3, 2
WIDTH, HIDDEN = 3, 10
WORDS = {
    r'\b64\b': f'{WIDTH}',
    r'\b128\b': f'{2 * WIDTH}',
    r'\b1024\b': f'{HIDDEN}',
    r'image_size /': 'image_size //',
    r'\biteritems\b': 'items',
}


def draw(name: str, *shape: int) -> np.ndarray:
    """Returns standard normal numbers, float32, by their name."""
    return np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype('f4')


def weight(name: str, *shape: int) -> np.ndarray:
    """Returns a weight by its name: a kernel keeps the size of its input, a bias is small."""
    inputs = 400 if name.endswith('bias') else np.prod(shape[:-1])
    return draw(name, *shape) / np.float32(np.sqrt(inputs))


def real_images() -> np.ndarray:
    """Returns images [B, H, W, 1] in [-1, 1]."""
    return np.tanh(draw('real', BATCH, SIZE, SIZE, 1))


def latents() -> dict[str, np.ndarray]:
    """Returns the noise, the categories and the continuous codes of the generated images."""
    return {
        'z': draw('z', BATCH, NOISE),
        'category': np.arange(BATCH) % CATEGORIES,
        'codes': np.tanh(draw('codes', BATCH, CONTINUOUS)),
    }


# Theirs -> ours.


def same(array: np.ndarray) -> np.ndarray:
    return array


def transposed(kernel: np.ndarray) -> np.ndarray:
    """[h, w, F, C] -> [h, w, C, F]."""
    return kernel.swapaxes(2, 3)


def codes(array: np.ndarray) -> np.ndarray:
    """Leaves out the deviations of continuous codes, which they do not read."""
    means = CATEGORIES + 2 * np.arange(CONTINUOUS)
    return array[..., [*range(CATEGORIES), *means]]


LAYERS = {
    'd_net/custom_conv2d_0': ('discriminator/Conv_0', same),
    'd_net/custom_conv2d_1': ('discriminator/Conv_1', same),
    'd_net/conv_batch_norm_0': ('discriminator/BatchNorm_0', same),
    'd_net/custom_fully_connected_0': ('discriminator/Dense_0', same),
    'd_net/fc_batch_norm_0': ('discriminator/BatchNorm_1', same),
    'd_net/custom_fully_connected_1': ('discriminator/Dense_1', same),
    'd_net/custom_fully_connected_2': ('recognizer/Dense_0', same),
    'd_net/fc_batch_norm_1': ('recognizer/BatchNorm_0', same),
    'd_net/custom_fully_connected_3': ('recognizer/Dense_1', codes),
    'g_net/custom_fully_connected_0': ('generator/Dense_0', same),
    'g_net/fc_batch_norm_0': ('generator/BatchNorm_0', same),
    'g_net/custom_fully_connected_1': ('generator/Dense_1', same),
    'g_net/fc_batch_norm_1': ('generator/BatchNorm_1', same),
    'g_net/custom_deconv2d_0': ('generator/ConvTranspose_0', transposed),
    'g_net/conv_batch_norm_0': ('generator/BatchNorm_2', same),
    'g_net/custom_deconv2d_1': ('generator/ConvTranspose_1', transposed),
}
KINDS = dict(w='kernel', Matrix='kernel', biases='bias', bias='bias', gamma='scale', beta='bias')
# Ours have no biases that a normalisation takes away again; theirs are 0 here.
WITH_BIAS = {
    'discriminator/Conv_0',
    'discriminator/Dense_1',
    'recognizer/Dense_1',
    'generator/ConvTranspose_1',
}


def ours(path: str) -> tuple[str, Callable] | None:
    """Returns Flax's name of their variable and what turns it into ours, where we have it."""
    layer, kind = path.rsplit('/', 1)
    name, turn = LAYERS[layer]
    kind = KINDS[kind]
    if kind == 'bias' and 'BatchNorm' not in name:
        return (f'{name}/bias', codes if turn is codes else same) if name in WITH_BIAS else None
    return f'{name}/{kind}', turn


def make_tensorflow():
    """Returns TensorFlow as of version 1, and what they import: with names and orders of 0.

    Moving averages, which training does not read, are left out.
    """
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    shim = ModuleType('tensorflow')
    shim.__dict__.update(tf.__dict__)
    shim.nn = ModuleType('nn')
    shim.nn.__dict__.update(tf.nn.__dict__)
    shim.nn.conv2d_transpose = lambda layer, *args, **options: tf.nn.conv2d_transpose(
        layer.tensor, *args, **options
    )
    shim.train = SimpleNamespace(
        AdamOptimizer=tf.train.AdamOptimizer,
        ExponentialMovingAverage=lambda decay: SimpleNamespace(apply=lambda _: tf.no_op()),
    )
    shim.pack = tf.stack
    shim.concat = lambda axis, values: tf.concat(values, axis)
    shim.scalar_summary = lambda *_: None
    return tf, shim


def make_pretty_tensor(tf) -> tuple[ModuleType, dict]:
    """Returns a module of what they call of Pretty Tensor, and the variables that it will make."""
    methods, counts, variables = {}, Counter(), {}

    class Layer:
        def __init__(self, tensor):
            self.tensor = tensor

        @property
        def shape(self):
            return self.tensor.get_shape().as_list()

        def with_tensor(self, tensor, parameters=None):
            return Layer(tensor)

        def reshape(self, shape):
            return Layer(tf.reshape(self.tensor, shape))

    class VarStoreMethod:
        """A layer of its own, which makes its variables when it is first applied."""

        vars = None

        def variable(self, name, shape, init, dt=None):
            path = f'{self.path}/{name}'
            if path not in variables:
                with tf.name_scope(f'{self.path}/'):
                    variables[path] = tf.Variable(init(shape, tf.float32), name=name)
            return variables[path]

    class Template:
        def __init__(self, call=None, before=None):
            self.call, self.before = call, before

        def then(self, call):
            return Template(call, self)

        def construct(self, input):
            return self.lay(input).tensor

        def lay(self, input):
            if self.before is None:
                return Layer(input)
            output = self.call(self.before.lay(input))
            return output if isinstance(output, Layer) else Layer(output)

        def reshape(self, shape):
            return self.then(lambda layer: layer.reshape(shape))

        def flatten(self):
            return self.then(lambda layer: layer.reshape([-1, np.prod(layer.shape[1:])]))

        def apply(self, function):
            return self.then(lambda layer: function(layer.tensor))

        def __getattr__(self, name):
            def add(*args, **options):
                scope = tf.get_variable_scope().name
                method = methods[name]()
                method.path = f'{scope}/{name}_{counts[scope, name]}'
                counts[scope, name] += 1
                return self.then(lambda layer: method(layer, *args, **options))

            return add

    def register(method=None, assign_defaults=()):
        if method is None:
            return register
        methods[method.__name__] = method
        return method

    pretty = ModuleType('prettytensor')
    pretty.__dict__.update(
        VarStoreMethod=VarStoreMethod,
        Register=register,
        Phase=SimpleNamespace(train='train', test='test'),
        template=lambda name: Template(),
        defaults_scope=lambda **_: nullcontext(),
        apply_optimizer=lambda optimizer, losses, var_list: losses[0],
    )
    return pretty, variables


def read(folder: str, name: str) -> ModuleType:
    """Imports a module of theirs with the words changed."""
    text = (Path(folder) / (name.replace('.', '/') + '.py')).read_text()
    for word, other in WORDS.items():
        text = re.sub(word, other, text)
    module = module_from_spec(spec_from_loader(name, loader=None))
    sys.modules[name] = module
    exec(compile(text, name, 'exec'), module.__dict__)
    return module


def main(folder: str) -> None:
    tf, shim = make_tensorflow()
    pretty, variables = make_pretty_tensor(tf)
    sys.modules |= {
        'tensorflow': shim,
        'prettytensor': pretty,
        'prettytensor.pretty_tensor_class': pretty,
        'progressbar': SimpleNamespace(ETA=None, Bar=None, Percentage=None, ProgressBar=None),
        'infogan': ModuleType('infogan'),
        'infogan.misc': ModuleType('infogan.misc'),
        'infogan.models': ModuleType('infogan.models'),
    }
    distributions = read(folder, 'infogan.misc.distributions')
    sys.modules['infogan'].misc = sys.modules['infogan.misc']
    sys.modules['infogan.misc'].custom_ops = read(folder, 'infogan.misc.custom_ops')
    networks = read(folder, 'infogan.models.regularized_gan')
    algorithm = read(folder, 'infogan.algos.infogan_trainer')

    own = latents()
    one_hot = np.eye(CATEGORIES, dtype=np.float32)[own['category']]
    z = tf.constant(np.concatenate([own['z'], one_hot, own['codes']], axis=1))
    codes = [distributions.Uniform(1, fix_std=True) for _ in range(CONTINUOUS)]
    model = networks.RegularizedGAN(
        output_dist=distributions.MeanBernoulli(SIZE * SIZE),
        latent_spec=[
            (distributions.Uniform(NOISE), False),
            (distributions.Categorical(CATEGORIES), True),
            *((code, True) for code in codes),
        ],
        batch_size=BATCH,
        image_shape=(SIZE, SIZE, 1),
        network_type='mnist',
    )
    model.latent_dist.sample_prior = lambda count: z
    trainer = algorithm.InfoGANTrainer(
        model, BATCH, SimpleNamespace(image_dim=SIZE * SIZE), info_reg_coeff=1.0
    )
    trainer.visualize_all_factors = lambda: None
    trainer.init_opt()
    losses = {
        'generator': trainer.generator_trainer,
        'discriminator': trainer.discriminator_trainer,
    }
    losses['recognizer'] = losses['discriminator']

    real = {trainer.input_tensor: (1 + real_images()).reshape(BATCH, -1) / 2}
    arrays = {}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        weights = {path: ours(path) for path in variables if ours(path)}
        for path, (name, turn) in weights.items():
            shape = variables[path].shape.as_list()
            places = turn(np.arange(np.prod(shape)).reshape(shape))
            value = np.zeros(np.prod(shape), np.float32)
            value[places.ravel()] = weight(name, *places.shape).ravel()
            variables[path].load(value.reshape(shape), session)
        images = session.run(model.generate(z)[0])
        arrays['images'] = images.reshape(BATCH, SIZE, SIZE, 1)
        for player in ('generator', 'discriminator'):
            arrays[f'{player} loss'] = session.run(losses[player], real)
        for path, (name, turn) in weights.items():
            (gradient,) = tf.gradients(losses[name.split('/')[0]], [variables[path]])
            arrays[f'gradient/{name}'] = turn(session.run(gradient, real))
    np.savez_compressed(FILE, **arrays)


if __name__ == '__main__':
    main(sys.argv[1])
