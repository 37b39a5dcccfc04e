"""The report of a run, or of several beside each other, as one file."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jax

from gan_jax.analysis import page
from gan_jax.analysis.compare import COMPARISONS
from gan_jax.analysis.sections.attention import show_attention
from gan_jax.analysis.sections.encoding import show_reconstructions, show_traversal
from gan_jax.analysis.sections.latents import show_classes, show_interpolation, show_truncation
from gan_jax.analysis.sections.outcome import show_samples, show_verdict
from gan_jax.analysis.sections.resembling import show_neighbours, show_plane
from gan_jax.analysis.sections.sensitivity import show_jacobian, show_saliency
from gan_jax.analysis.sections.setting import show_setting
from gan_jax.analysis.sections.styles import show_styles
from gan_jax.analysis.sections.training import show_curves, show_histograms, show_scores
from gan_jax.analysis.study import Study, open_study
from gan_jax.files import replacing
from gan_jax.logs import say
from gan_jax.metrics import Extractor
from gan_jax.usage import UsageError

# Heading -> `(study) -> HTML`. A section that needs what the run lacks says so in its place; one
# that returns '' is left out.
SECTIONS = {
    'Verdict': show_verdict,
    'Samples': show_samples,
    'Curves': show_curves,
    'Scores': show_scores,
    'Histograms': show_histograms,
    'Nearest real images': show_neighbours,
    'Reconstructions': show_reconstructions,
    'One latent at a time': show_traversal,
    'Interpolation': show_interpolation,
    'Truncation': show_truncation,
    'Styles': show_styles,
    'Classes': show_classes,
    'In the plane': show_plane,
    'What moves an image': show_jacobian,
    'What moves the judgement': show_saliency,
    'Attention': show_attention,
    'Setting': show_setting,
}


def write_report(
    workdirs: Sequence[str], out: str | None = None, extractor: Extractor | None = None
) -> Path:
    """Writes the report of a run, or the comparison of several, and returns the file.

    Args:
      out: the file; by default report.html, or comparison.html, in the first run's folder.
      extractor: whose features tell images apart; pixels without one.

    Raises:
      UsageError: there is no run, or the file cannot be written.
    """
    if jax.process_count() > 1:
        raise UsageError('a report is written by one process: start it on one machine, by itself')
    once = dict.fromkeys(str(Path(path)) for path in workdirs)
    studies = [open_study(path, extractor) for path in once]
    began = time.perf_counter()
    single = len(studies) == 1
    file = Path(out or studies[0].folder / ('report.html' if single else 'comparison.html'))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            partial.touch()  # what cannot be written is said before the work
            content = _report(studies[0]) if single else _comparison(studies)
            partial.write_text(content)
    except OSError as error:
        raise UsageError(f'cannot write {str(file)!r}: {error.strerror}') from None
    size = file.stat().st_size / 2**20
    say(f'{file}: {size:.1f} MB in {time.perf_counter() - began:.0f} s; open it in a browser')
    return file


def _report(study: Study) -> str:
    height, width = study.config.data.size
    lead = f'{study.config.game} game on {study.config.data.name}, {height} x {width} pixels'
    return page.page(study.folder.resolve().name, lead, _sections(SECTIONS, study))


def _comparison(studies: Sequence[Study]) -> str:
    lead = ', '.join(study.folder.resolve().name for study in studies)
    return page.page(f'{len(studies)} runs', lead, _sections(COMPARISONS, studies))


def _sections(functions: dict[str, Callable], subject: object) -> list[tuple[str, str]]:
    sections = []
    for number, (heading, function) in enumerate(functions.items(), 1):
        say(f'{number}/{len(functions)} {heading}')
        try:
            content = function(subject)
        except UsageError as error:
            content = page.paragraph(f'Not here: {error}.')
        if content:
            sections.append((heading, content))
    return sections
