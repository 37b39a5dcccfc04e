"""gan_jax's own training step as a contestant."""

import os

from benchmarks.contest import Contestant, process_memory


def make(argument: str, devices: int = 1, **fields) -> Contestant:
    """Makes the step of a config, some of its fields changed, on the first so many devices.

    Images are random and lie on the device. On a CPU there are as many devices as are asked for.
    """
    flags = os.environ.get('XLA_FLAGS', ''), f'--xla_force_host_platform_device_count={devices}'
    os.environ['XLA_FLAGS'] = ' '.join(flags)
    import jax

    from gan_jax import mesh as meshes, tuning
    from gan_jax.build import make_initial_state, make_step, microbatch_size, steps_per_call
    from gan_jax.command_line import load_config
    from gan_jax.data import Feed
    from gan_jax.games import build_game

    tuning.prepare()
    config = load_config(argument)
    config.update(fields)
    game, mesh = build_game(config), meshes.make_mesh(jax.devices()[:devices])
    state = make_initial_state(config, game, mesh)()
    size = microbatch_size(config), *config.data.size, config.data.channels
    images = jax.random.uniform(jax.random.key(0), (game.microbatches, *size), minval=-1.0)
    shared = {'image': jax.device_put(images, meshes.split(mesh, 1))}
    together = steps_per_call(config, game)
    feed = Feed(shared, jax.numpy.arange(together))
    call = make_step(config, game, lambda shared, own, key: shared, mesh)

    def take(steps: int) -> int:
        nonlocal state
        starts = range(0, steps, together)
        for start in starts:
            state, metrics = call(state, feed, due=game.due(start))
        jax.block_until_ready((state, metrics))
        return together * len(starts)

    return Contestant(take, peak_memory)


def peak_memory() -> int:
    """Returns the most bytes that were held on JAX's first device."""
    import jax

    said = jax.devices()[0].memory_stats()
    return said['peak_bytes_in_use'] if said else process_memory()
