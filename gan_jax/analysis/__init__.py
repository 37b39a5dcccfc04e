"""What a run has come to, on one page: `python main.py --mode=report --workdir=DIR`.

    from gan_jax.analysis import write_report

    write_report(['runs/mine'])  # runs/mine/report.html

A section is a function of a `Study`, and `SECTIONS` of `report.py` is the list of them. It knows a
run's networks and phases by the names that the run gives them.
"""

from gan_jax.analysis.report import write_report

__all__ = ['write_report']
