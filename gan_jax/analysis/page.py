"""HTML that needs nothing but itself: pictures are data URIs, style and script lie within."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from gan_jax import pictures

_FOLDER = Path(__file__).parent
_LONGEST = 1408  # pixels of a picture: twice the width at which the page shows it


def page(title: str, lead: str, sections: Sequence[tuple[str, str]]) -> str:
    """Returns a page of (heading, HTML) sections, with a table of contents."""
    links = ''.join(
        f'<li><a href="#{_anchor(heading)}">{escape(heading)}</a></li>' for heading, _ in sections
    )
    body = ''.join(
        f'<section id="{_anchor(heading)}" aria-labelledby="{_anchor(heading)}-heading">'
        f'<h2 id="{_anchor(heading)}-heading">{escape(heading)}</h2>{content}</section>'
        for heading, content in sections
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f'<title>{escape(title)}</title><style>{(_FOLDER / "page.css").read_text()}</style></head>'
        f'<body><header><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav></header><main>{body}</main>'
        f'<script>{(_FOLDER / "page.js").read_text()}</script></body></html>\n'
    )


def _anchor(heading: str) -> str:
    return '-'.join(heading.lower().split())


def paragraph(text: str, kind: str = '') -> str:
    """Returns plain words; `kind` is a class of the style sheet."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f'<p>{escape(text)}</p>'


def row(parts: Iterable[str], kind: str = 'charts') -> str:
    """Returns parts side by side where there is room, else below each other; '' for none."""
    content = ''.join(parts)
    return content and f'<div class="{kind}">{content}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table, of which the first column is the rows' heading."""
    columns = ''.join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = ''.join(
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + ''.join(  # a phone shows cells below each other, each with its column's name
            f'<td data-column="{escape(name)}">{escape(str(cell))}</td>'
            for name, cell in zip(head[1:], rest, strict=True)
        )
        + '</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="table"><table><thead><tr>{columns}</tr></thead>'
        f'<tbody>{lines}</tbody></table></div>'
    )


def folded(summary: str, content: str) -> str:
    """Returns content that is shown when it is asked for."""
    return f'<details><summary>{escape(summary)}</summary>{content}</details>'


def grid(images: np.ndarray, columns: int, alt: str, caption: str, kind: str = '') -> str:
    """Returns uint8 images [N, H, W, C] as one picture, row by row, with its caption."""
    return picture(pictures.make_grid(images, columns), alt, caption, kind)


def picture(pixels: np.ndarray, alt: str, caption: str, kind: str = '') -> str:
    """Returns a uint8 picture [H, W, C] with its caption."""
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return figure(image_tag(*encode(image), alt), caption, kind)


def figure(content: str, caption: str, kind: str = '') -> str:
    """Returns any content with a caption."""
    return f'<figure class="{kind}">{content}<figcaption>{escape(caption)}</figcaption></figure>'


def image_tag(uri: str, size: tuple[int, int], alt: str) -> str:
    """Returns an image of a width and a height."""
    return f'<img src="{uri}" width="{size[0]}" height="{size[1]}" alt="{escape(alt)}">'


def encode(image: Image.Image, longest: int = _LONGEST) -> tuple[str, tuple[int, int]]:
    """Returns an image as text, made smaller if it is longer than this, and its width and height.

    WebP, nearly without loss: a report holds dozens of pictures.
    """
    small = image.copy()
    small.thumbnail((longest, longest))
    stream = io.BytesIO()
    small.save(stream, format='WEBP', quality=85)
    text = base64.b64encode(stream.getvalue()).decode()
    return f'data:image/webp;base64,{text}', small.size


def encode_file(file: Path, longest: int) -> tuple[str, tuple[int, int]]:
    """Returns the picture in a file, as `encode` does."""
    with Image.open(file) as image:
        return encode(image, longest)
