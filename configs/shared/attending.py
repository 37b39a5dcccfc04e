"""SAGAN's pair of networks, BigGAN's and BigGAN-deep's: how they are laid out."""


def networks(kernel_init: dict, file: str = 'sagan', generator: dict | None = None) -> dict:
    """Returns SAGAN's pair, BigGAN's or BigGAN-deep's; `layout` says of how many channels.

    Args:
      file: of gan_jax/models.
      generator: what is not as in SAGAN.
    """
    fields = dict(
        width=64, multiples=(), attention=(), weights='spectral_norm', kernel_init=kernel_init
    )
    return dict(
        generator=dict(name=f'{file}.Generator', normalization='batch', **fields)
        | (generator or {}),
        discriminator=dict(name=f'{file}.Discriminator', downsamples=(), **fields),
    )


# By the images' height, channels as multiples of a width: of the generator's smallest image and its
# blocks; of the discriminator's blocks; and which of those after the first halve the image. At 32
# pixels and above as in BigGAN-PyTorch, the code of BigGAN's authors.
_LAYOUTS = {
    16: ((4, 4, 2), (2, 4, 4), (True, False)),
    28: ((4, 4, 4), (4, 4, 4, 4), (True, False, False)),
    32: ((4, 4, 4, 4), (4, 4, 4, 4), (True, False, False)),
    64: ((16, 16, 8, 4, 2), (1, 2, 4, 8, 16), (True, True, True, False)),
    128: ((16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16), (True, True, True, True, False)),
    256: ((16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16), (True, True, True, True, True, False)),
}


def layout(height: int, width: int, attention: tuple[int, ...]) -> dict:
    """Returns the fields of SAGAN's and BigGAN's pairs that go with the size of images.

    Args:
      attention: heights of the images within the networks that attend to themselves.
    """
    up, down, downsamples = _LAYOUTS[height]
    return dict(
        generator=dict(width=width, multiples=up, attention=attention),
        discriminator=dict(
            width=width, multiples=down, downsamples=downsamples, attention=attention
        ),
    )
