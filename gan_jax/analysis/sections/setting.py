"""What the run is made of: every field of its config, and what it was trained with."""

from gan_jax.analysis import page
from gan_jax.analysis.study import Study
from gan_jax.fields import flatten


def show_setting(study: Study) -> str:
    """The environment of every start, and the resolved config."""
    config = [(name, repr(value)) for name, value in flatten(study.config).items()]
    return _environment(study) + page.folded(
        f'The config, {len(config)} fields', page.table(['Field', 'value'], config)
    )


def _environment(study: Study) -> str:
    if not study.environment:
        return page.paragraph('This run was started before environment.json was written.')
    starts = study.environment
    names = list(dict.fromkeys(name for start in starts for name in start))
    rows = [(name, *(start.get(name, '') for start in starts)) for name in names]
    head = ['Trained with', *(f'start {i + 1}' for i in range(len(starts)))]
    return page.table(head, rows)
