"""From the command line to a verb; a mistake is one line and exit code 2.

JAX is imported late, so that a mistyped flag is answered at once.
"""

import difflib
import importlib.util
import inspect
import logging as standard_logging
import os
import sys
import warnings
from pathlib import Path

from absl import flags, logging

from gan_jax.fields import check_numbers, flatten
from gan_jax.usage import UsageError, first_line, nearest

LESS_MEMORY = {  # by mode
    'train': 'Fewer images at once take less: a smaller --config.batch_size, or '
    '--config.accumulate, which splits it into so many parts',
    'sample': 'Fewer samples take less: a smaller --num',
    'eval': 'Fewer samples take less: a smaller --config.eval.num',
}


def parse(argv: list[str]) -> list[str]:
    """Parses the flags, or prints what is wrong with them and exits with code 2."""
    try:
        if '--help' not in argv and '-h' not in argv and '--helpfull' not in argv:
            _check(argv[1:])
        unparsed = flags.FLAGS(argv)[1:]
        if unparsed:
            raise UsageError(f'{unparsed[0]!r} is no flag: every one begins with --')
        return argv
    except (UsageError, flags.Error, ValueError) as error:
        sys.exit(_complain(error))


def _complain(error: Exception) -> int:
    print('error:', ' '.join(str(error).split()), file=sys.stderr)
    return 2


def _check(arguments: list[str]) -> None:
    """Finds what `config_flags` would only answer with a traceback."""
    values = [_value(a, following) for a, following in zip(arguments, [*arguments[1:], ''])]
    configs = [value for name, value in values if name == 'config']
    if not configs and dict(values).get('mode') == 'report':  # folders say what their runs were
        return
    if not configs:
        raise UsageError(f'which system? --config=configs/NAME.py; {_systems()}')
    config = load_config(configs[-1])
    known = flatten(config)
    for name, _ in values:
        if name and name.startswith('config.') and name.removeprefix('config.') not in known:
            key = name.removeprefix('config.')
            close = difflib.get_close_matches(key, known, n=1)
            hint = f'did you mean {close[0]!r}?' if close else f'known: {", ".join(config)}'
            raise UsageError(f'the config has no field {key!r}; {hint}')


def _value(argument: str, following: str) -> tuple[str | None, str]:
    if not argument.startswith('-'):
        return None, ''
    name, equals, value = argument.lstrip('-').partition('=')
    return name, value if equals else following


def load_config(argument: str):
    """Returns the config of `FILE` or `FILE:DATA`.

    Raises:
      UsageError: no such file, or no such data set for the system.
    """
    file, colon, data = argument.partition(':')
    if not Path(file).is_file():
        raise UsageError(f'no config file {file!r}; {_systems(Path(file).stem)}')
    spec = importlib.util.spec_from_file_location('config', file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, 'get_config'):
        raise UsageError(f'{file} has no get_config: it is no system; {_systems()}')
    try:
        return module.get_config(data) if colon else module.get_config()
    except ValueError as error:
        raise UsageError(f'{file}: {error}') from None


def _systems(name: str = '') -> str:
    folder = Path(__file__).parent.parent / 'configs'
    names = [path.stem for path in folder.glob('*.py') if path.stem != 'base']
    return nearest(name, names) if name else f'known: {", ".join(sorted(names))}'


def default_workdir(argument: str) -> str:
    """Returns runs/NAME for configs/NAME.py, runs/NAME-DATA for configs/NAME.py:DATA."""
    file, _, data = argument.partition(':')
    return os.path.join('runs', '-'.join(filter(None, [Path(file).stem, data])))


def run(options: flags.FlagValues) -> int:
    """Does what the flags say; returns the exit code."""
    workdir = options.workdir or (
        options.config and default_workdir(options['config'].config_filename)
    )
    if not options['verbosity'].present:
        _quiet_libraries()
    try:
        check_numbers(options.config or {})
        _check_mode(options)
        _prepare_jax()
        (_dry_run if options.dry_run else MODES[options.mode])(options, workdir)
    except UsageError as error:
        return _complain(error)
    except (RuntimeError, MemoryError) as error:  # XLA's and NumPy's
        said = _want_of_memory(error)
        if not said:
            raise
        advice = LESS_MEMORY.get(options.mode, '')
        return _complain(UsageError(f'{said.rstrip(".")}. {advice}'.strip()))
    except KeyboardInterrupt:
        print('stopped at once; what was saved before stays', file=sys.stderr)
        return 130
    return 0


def _want_of_memory(error: RuntimeError | MemoryError) -> str:
    """Returns what an error says of memory that there is not; '' of another one."""
    if isinstance(error, MemoryError):
        return first_line(error) or 'Out of memory'
    return first_line(error).partition('RESOURCE_EXHAUSTED: ')[2].partition('.:')[0]


def _check_mode(options: flags.FlagValues) -> None:
    """Finds flags that the mode would pass over."""
    mode = options.mode
    for name, modes in _FLAGS_OF.items():
        if options[name].present and mode not in modes:
            raise UsageError(f'--{name} is for --mode={"|".join(modes)}; {mode} goes by the config')


def _quiet_libraries() -> None:
    """Orbax says pages per checkpoint; what matters of it is said by `checkpoint.py` in a line."""
    logging.set_verbosity(logging.WARNING)
    logging.get_absl_logger().addFilter(lambda record: 'orbax' not in record.pathname)
    # Where Orbax leaves its other reads and writes when one has failed.
    standard_logging.getLogger('asyncio').disabled = True
    warnings.filterwarnings('ignore', message='coroutine .* was never awaited')
    report = sys.unraisablehook
    sys.unraisablehook = lambda this: None if _is_asynchronous(this) else report(this)


def _is_asynchronous(unraisable) -> bool:
    closed = 'Event loop is closed' in str(unraisable.exc_value)
    return closed or inspect.iscoroutine(unraisable.object)


def _prepare_jax() -> None:
    """Joins the cluster, if there is one, before anything else; then keeps what XLA compiles."""
    from gan_jax import mesh, tuning

    mesh.initialize_distributed()
    tuning.keep_compiled()
    tuning.prepare()


def _train(options: flags.FlagValues, workdir: str) -> None:
    from gan_jax.train import train

    train(options.config, workdir)


def _sample(options: flags.FlagValues, workdir: str) -> None:
    from gan_jax.sample import Request, sample

    asked = Request(*(options[name].value for name in Request._fields))
    sample(options.config, workdir, asked, options.out or os.path.join(workdir, 'samples.png'))


def _classifier(options: flags.FlagValues, workdir: str) -> None:
    from gan_jax.evaluation.extractors import data_classifier

    data_classifier(options.config)


def _eval(options: flags.FlagValues, workdir: str) -> None:
    from gan_jax.evaluate import evaluate

    evaluate(options.config, workdir, options.step)


def _report(options: flags.FlagValues, workdir: str | None) -> None:
    from gan_jax.analysis import write_report
    from gan_jax.evaluation.extractors import cached_classifier
    from gan_jax.workdir import read_config

    if not workdir:
        raise UsageError('a report of which run? --workdir=DIR, or DIR,DIR to compare')
    folders = workdir.split(',')
    try:
        extractor = cached_classifier(read_config(folders[0]))
    except UsageError:  # pixels do; what is wrong with the run or its data, its report says
        extractor = None
    write_report(folders, options.out, extractor)


def _dry_run(options: flags.FlagValues, workdir: str) -> None:
    from gan_jax.dry_run import dry_run

    if not options.config:
        raise UsageError('a dry run of which system? --config=configs/NAME.py')
    dry_run(options.config, workdir)


MODES = {
    'train': _train,
    'eval': _eval,
    'sample': _sample,
    'report': _report,
    'classifier': _classifier,
}

# Flags of some modes only.
_FLAGS_OF = {
    **dict.fromkeys(('num', 'seed', 'label', 'truncation', 'interpolate'), ('sample',)),
    'out': ('sample', 'report'),
    'step': ('sample', 'eval'),
}
