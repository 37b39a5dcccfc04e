"""A generator against a discriminator: most systems, which differ in their parts alone.

| file | |
|---|---|
| `game.py` | the game, put together of functions |
| `generation.py` | how images come of latents |
| `judging.py` | how the discriminator sees both kinds of images |
| `scene.py` | a player's turn: images are generated, augmented, shown and judged |
| `part.py` | what else a game may have: penalties, other terms of either loss |
| `top_k.py` | which of its images the generator learns of |
| `from_config.py` | a config's choices among all of these |
"""

from gan_jax.games.adversarial.from_config import build

__all__ = ['build']
