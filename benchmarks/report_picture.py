"""Takes the pictures of a section out of a report, one below the other.

python main.py --config=configs/sagan.py --mode=report
python -m benchmarks.report_picture runs/sagan/report.html attention results/sagan-attention.png
"""

import argparse
import base64
import io
import re
from pathlib import Path

from PIL import Image

GAP = 8  # pixels between pictures


def pictures_of(page: str, section: str) -> list[Image.Image]:
    """Returns the pictures in the section whose heading begins with a word."""
    found = re.search(rf'<section id="{re.escape(section)}[^"]*".*?</section>', page, re.DOTALL)
    if not found:
        known = ', '.join(re.findall('<section id="([^"]+)"', page))
        raise SystemExit(f'no section {section!r}; the report has {known}')
    codes = re.findall('src="data:image/[a-z]+;base64,([^"]+)"', found[0])
    return [Image.open(io.BytesIO(base64.b64decode(code))) for code in codes]


def below(pictures: list[Image.Image]) -> Image.Image:
    """Returns one picture of all, on white."""
    width = max(picture.width for picture in pictures)
    height = sum(picture.height + GAP for picture in pictures) - GAP
    whole, top = Image.new('RGB', (width, height), 'white'), 0
    for picture in pictures:
        whole.paste(picture, (0, top))
        top += picture.height + GAP
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('report', type=Path)
    parser.add_argument('section', help='the first word of its heading')
    parser.add_argument('out', type=Path)
    arguments = parser.parse_args()
    below(pictures_of(arguments.report.read_text(), arguments.section)).save(arguments.out)


if __name__ == '__main__':
    main()
