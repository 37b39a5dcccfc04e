"""The walls between the rooms, held by what each file imports and by the words it uses.

A room is one row of `ROOMS`. Every wall is also tried on a synthetic file that breaks it.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST = 400  # lines of a file
STANDARD = tuple(sys.stdlib_module_names)
DATA_LIBRARIES = (
    'absl',
    'grain',
    'numpy',
    'PIL',
    'sklearn',
    'tensorflow',
    'tensorflow_datasets',
    'tqdm',
)
SCORING = (
    'flax',
    'gan_jax.files',
    'gan_jax.mesh',
    'gan_jax.metrics',
    'gan_jax.tuning',
    'gan_jax.usage',
    'jax',
    'numpy',
    'optax',
    'tqdm',
    *STANDARD,
)
SPEAKING = ('collections', 'typing')  # what any file may need to say what its functions take

SYSTEMS = tuple(path.stem for path in (ROOT / 'configs').glob('*.py') if path.stem != 'base')
# A method's name, wherever none belongs: the systems' and those that came from papers like them.
METHODS = (
    *SYSTEMS,
    'acgan',
    'biggan',
    'cyclegan',
    'infogan',
    'pix2pix',
    'progan',
    'stylegan',
    'vae',
)


@dataclass(frozen=True)
class Room:
    """Some files and their walls; modules and names stand for all that lies within them."""

    files: str  # a glob
    may: tuple[str, ...] = ()  # modules: if any are given, no others
    never: tuple[str, ...] = ()  # modules
    calls: tuple[str, ...] = ()  # names that never occur in the code, such as `jit`
    words: tuple[str, ...] = ()  # that never occur, not in docstrings, comments or longer names


ROOMS = (
    Room('configs/**/*.py', may=('ml_collections', 'difflib', 'configs')),
    Room(
        'gan_jax/models/**/*.py',
        may=('flax', 'gan_jax.models', 'gan_jax.usage', 'jax', *STANDARD),
        words=('player',),
    ),
    *(  # all but the command, which reads files
        Room(f'gan_jax/metrics/**/{name}.py', may=SCORING, words=('config', *METHODS))
        for name in ('[a-z]*', '__init__')
    ),
    Room(
        'gan_jax/analysis/**/*.py',
        never=(
            'gan_jax.games',
            'gan_jax.losses',
            'gan_jax.models',
            'gan_jax.optim',
            'gan_jax.penalties',
            'gan_jax.step',
            'gan_jax.train',
        ),
        words=('generator', 'discriminator', *METHODS),
    ),
    Room(
        'gan_jax/stages.py',
        may=('gan_jax.fields', 'gan_jax.usage', 'ml_collections', *SPEAKING),
        words=('generator', 'discriminator', *METHODS),
    ),
    Room('gan_jax/tuning.py', may=('gan_jax.files', 'jax', *STANDARD)),
    Room('gan_jax/losses.py', may=('jax', *SPEAKING)),
    Room('gan_jax/penalties.py', may=('gan_jax.augment', 'jax', *SPEAKING)),
    Room(
        'gan_jax/augment/*.py',
        may=('functools', 'gan_jax.augment', 'jax', 'numpy', *SPEAKING),
        words=('config',),
    ),
    Room(
        'gan_jax/augmenting.py',
        may=(
            'dataclasses',
            'gan_jax.augment',
            'gan_jax.burn_in',
            'gan_jax.game',
            'gan_jax.usage',
            'jax',
            *SPEAKING,
        ),
        words=('generator', *METHODS),
    ),
    Room('gan_jax/variational.py', may=('jax', *SPEAKING)),
    Room(
        'gan_jax/games/**/*.py',
        never=(
            'gan_jax.data',
            'gan_jax.mesh',
            'gan_jax.optim',
            'gan_jax.step',
            'gan_jax.train',
            'optax',
            'os',
            'pathlib',
            'time',
        ),
        calls=('jit', 'pmap', 'shard_map', 'open'),
    ),
    Room(
        'gan_jax/game.py',
        may=('dataclasses', 'flax', 'jax', *SPEAKING),
        words=('generator', 'discriminator', 'config', *METHODS),
    ),
    Room(
        'gan_jax/step.py',
        may=('functools', 'gan_jax.game', 'jax', 'math', 'optax', *SPEAKING),
        words=('generator', 'discriminator', 'config', *METHODS),
    ),
    Room(
        'gan_jax/train.py',
        never=('gan_jax.losses', 'gan_jax.models', 'gan_jax.penalties'),
        calls=('grad', 'value_and_grad'),
        words=('generator', 'discriminator', *METHODS),
    ),
    Room(
        'gan_jax/data/*.py',
        may=(
            'gan_jax.data',
            'gan_jax.mesh',
            'gan_jax.usage',
            'jax',
            'ml_collections',
            *DATA_LIBRARIES,
            *STANDARD,
        ),
    ),
    Room(
        'gan_jax/evaluation/*.py',
        may=(
            'gan_jax.data',
            'gan_jax.evaluation',
            'gan_jax.files',
            'gan_jax.logs',
            'gan_jax.mesh',
            'gan_jax.metrics',
            'gan_jax.run',
            'gan_jax.usage',
            'jax',
            'ml_collections',
            'numpy',
            'tqdm',
            *STANDARD,
        ),
        words=('generator', 'discriminator', *METHODS),
    ),
)
every_room = pytest.mark.parametrize('room', ROOMS, ids=lambda room: room.files)
EVERY_FILE = sorted((ROOT / 'gan_jax').rglob('*.py'))
every_file = pytest.mark.parametrize(
    'path', EVERY_FILE, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def within(name: str, names: tuple[str, ...]) -> bool:
    """Whether a dotted name is one of these or lies within one."""
    return any(name == other or name.startswith(f'{other}.') for other in names)


def imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Yields every module that a file imports, with the name that it takes from it.

    `from a import b` may mean the module a.b or the name b of a: it yields a.b, which lies within
    both. `package` is the file's own, for relative imports.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split('.')[: 1 - node.level or None] if node.level else []
            source = '.'.join([*parents, *filter(None, [node.module])])
            yield from (f'{source}.{alias.name}' for alias in node.names)


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Yields every name in a file's code: variables, attributes and what is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


def says(line: str, word: str) -> bool:
    """Whether a line has a word; an underscore parts words, and the package's own name is none."""
    return bool(re.search(rf'(?<![a-z0-9]){word}(?![a-z0-9])', line.lower().replace('gan_jax', '')))


def breaches(source: str, room: Room, package: str) -> list[str]:
    """Returns what a file of a room does that it must not."""
    tree = ast.parse(source)
    found = []
    for name in imports(tree, package):
        if room.may and not within(name, room.may):
            found.append(f'imports {name}, and may only {", ".join(room.may)}')
        if within(name, room.never):
            found.append(f'imports {name}')
    found += [f'uses {name}' for name in identifiers(tree) if name in room.calls]
    for number, line in enumerate(source.splitlines(), 1):
        found += [f'says {word!r} in line {number}' for word in room.words if says(line, word)]
    return found


def undocumented(source: str) -> list[str]:
    """Returns the public functions and classes without a docstring; '' stands for the module."""
    tree = ast.parse(source)
    documentable = [('', tree)] if tree.body else []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            if not node.name.startswith('_'):
                documentable.append((node.name, node))
    return [name for name, node in documentable if not ast.get_docstring(node)]


def package_of(path: Path) -> str:
    """Returns the dotted name of the folder that a file lies in."""
    return '.'.join(path.relative_to(ROOT).parent.parts)


@every_room
def test_a_room_keeps_its_walls(room):
    """No file of a room imports, calls or says what it must not."""
    paths = sorted(ROOT.glob(room.files))
    assert paths, f'no file is {room.files}'
    found = {
        path.relative_to(ROOT).as_posix(): breaches(path.read_text(), room, package_of(path))
        for path in paths
    }
    assert not {path: breach for path, breach in found.items() if breach}


@every_room
def test_each_wall_of_a_room_can_be_broken(room):
    """A synthetic file with one offence of every kind is caught at each of them."""
    package = '.'.join(Path(room.files).parent.parts)
    offences = [f'import {module}.within' for module in room.never]
    offences += ['import torch', 'from gan_jax import antigravity'] if room.may else []
    offences += [f'function = jax.{name}' for name in room.calls]
    offences += [f'# what a {word.title()} does' for word in room.words]
    offences += [f'"""Of one {word}."""' for word in room.words]
    offences += [f'real_{word} = 1' for word in room.words]
    assert offences
    for offence in offences:
        assert breaches(offence, room, package), offence


@pytest.mark.parametrize(
    'package, source',
    [
        ('', 'import a.b'),
        ('', 'import a.b.c as d'),
        ('', 'from a import b'),
        ('', 'from a.b import c'),
        ('', 'from a.b.c import d'),
        ('a', 'from . import b'),
        ('a', 'from .b import c'),
        ('a.c', 'from .. import b'),
        ('a.c', 'from ..b import d'),
        ('', 'def f():\n    from a import b'),
        ('', 'try:\n    import a.b\nexcept ImportError:\n    pass'),
    ],
)
def test_every_way_to_import_a_module_is_seen(package, source):
    """Relative or absolute, whole or in part, at the top or within a function: all reach a.b."""
    assert breaches(source, Room('', never=('a.b',)), package)
    assert breaches(source, Room('', may=('b',)), package)
    assert not breaches(source, Room('', may=('a',)), package)


@pytest.mark.parametrize(
    'source', ['import ab', 'from a import bc', 'import b.a', 'word = "import a.b"', '# import a.b']
)
def test_what_is_no_import_of_a_module_is_no_breach(source):
    """A longer name, a module elsewhere, and what is only written about."""
    assert not breaches(source, Room('', never=('a.b',)), '')


def test_a_word_within_a_word_is_no_breach():
    """`config` is not said by `configure`, nor `gan` by `began` or by the package's own name."""
    room = Room('', words=('config', 'gan'))
    assert not breaches('import gan_jax.configure  # It began.', room, '')
    assert len(breaches('the_config = GAN', room, '')) == 2


@every_file
def test_a_file_is_short_and_documented(path):
    """At most 400 lines; a docstring for the module, each public function and each public class."""
    source = path.read_text()
    assert len(source.splitlines()) <= LONGEST
    assert not undocumented(source)


def test_what_is_undocumented_is_found():
    """The module, functions and classes; neither what is private nor an empty file."""
    source = 'def a(): pass\nclass B: pass\ndef _c(): pass\ndef d():\n    "Yes."'
    assert undocumented(source) == ['', 'a', 'B']
    assert undocumented('"""Yes."""\nasync def e(): pass') == ['e']
    assert undocumented('') == []


def test_no_drawer_for_everything():
    """There is no `utils.py` under any name: what a file is for can be said."""
    drawers = {'common', 'helpers', 'misc', 'util', 'utilities', 'utils'}
    assert EVERY_FILE
    assert not [path for path in EVERY_FILE if drawers & {path.stem, path.parent.name}]
