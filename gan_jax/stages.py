"""A run's stages: what its config says at each of its steps.

`config.stages` has fields of the config, in their places, each with a tuple of values, one a stage:
`stages.start` says at which training steps the stages begin, and `stages.batch_size` what
`config.batch_size` is in each of them. In a stage `config.steps` is the step at which the next one
begins. A run without them is one stage.
"""

from collections.abc import Sequence

from ml_collections import ConfigDict

from gan_jax.fields import check_numbers, flatten
from gan_jax.usage import UsageError, choose


def split(config: ConfigDict) -> list[ConfigDict]:
    """Returns the config of every stage that begins before the run ends.

    Raises:
      UsageError: fields of unequal length, starts that do not rise from 0, no such field, or a
        value that the field itself could not have.
    """
    columns = {name: values for name, values in flatten(config.stages).items() if values}
    if not columns:
        return [config]
    known = flatten(config)
    for name in columns:
        choose('field in config.stages', name, known)
    starts = columns.get('start', ())
    if tuple(sorted({0, *starts})) != starts:
        raise UsageError(f'config.stages.start must rise from 0 on, not {starts}')
    for name, values in columns.items():
        if name != 'start' and known[name] not in values:
            raise UsageError(
                f'config.{name}={known[name]} has no say in a run of stages: '
                f'config.stages.{name}={values} has'
            )
        if len(values) != len(starts):
            raise UsageError(
                f'config.stages.{name} has {len(values)} values for {len(starts)} stages: {values}'
            )
    stages = []
    for index in range(len(starts)):
        stage = config.copy_and_resolve_references()
        try:
            stage.update_from_flattened_dict({name: columns[name][index] for name in columns})
            check_numbers(stage)
        except (TypeError, UsageError) as error:
            raise UsageError(f'stage {index + 1} of config.stages: {error}') from None
        stages.append(stage)
    for stage, end in zip(stages, (*starts[1:], config.steps)):
        stage.steps = end
    return [stage for stage in stages if stage.start < config.steps]


def stage_at(stages: Sequence[ConfigDict], step: int) -> ConfigDict:
    """Returns the stage of a state after so many steps; at a start, the one that begins."""
    return [stage for stage in stages if stage.start <= step][-1]


def describe(stages: Sequence[ConfigDict], stage: ConfigDict) -> str:
    """Returns one line: which stage of how many, its steps and its own fields."""
    values = flatten(stage)
    names = [name for name, values in flatten(stage.stages).items() if values and name != 'start']
    own = ', '.join(f'{name}={values[name]}' for name in names)
    return f'Stage {stages.index(stage) + 1} of {len(stages)} from step {stage.start}: {own}'
