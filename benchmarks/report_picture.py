"""Takes the pictures of a section out of a report, side by side.

python main.py --config=configs/sagan.py --mode=report
python -m benchmarks.report_picture runs/sagan/report.html attention results/sagan-attention.png
"""

import argparse
import base64
import io
import re
from pathlib import Path

from PIL import Image

GAP = 16  # pixels between pictures


def pictures_of(page: str, section: str) -> list[Image.Image]:
    """Returns the pictures in the section whose heading begins with a word."""
    found = re.search(rf'<section id="{re.escape(section)}[^"]*".*?</section>', page, re.DOTALL)
    if not found:
        known = ', '.join(re.findall('<section id="([^"]+)"', page))
        raise SystemExit(f'no section {section!r}; the report has {known}')
    codes = re.findall('src="data:image/[a-z]+;base64,([^"]+)"', found[0])
    return [Image.open(io.BytesIO(base64.b64decode(code))) for code in codes]


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Returns one picture of all, on white."""
    width = sum(picture.width + GAP for picture in pictures) - GAP
    height = max(picture.height for picture in pictures)
    whole, left = Image.new('RGB', (width, height), 'white'), 0
    for picture in pictures:
        whole.paste(picture, (left, 0))
        left += picture.width + GAP
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('report', type=Path)
    parser.add_argument('section', help='the first word of its heading')
    parser.add_argument('out', type=Path)
    arguments = parser.parse_args()
    beside(pictures_of(arguments.report.read_text(), arguments.section)).save(arguments.out)


if __name__ == '__main__':
    main()
