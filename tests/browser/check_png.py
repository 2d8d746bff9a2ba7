"""check_png.py light|dark|any FILE...: a screenshot shows something: it has many colours, and its
commonest, which is the paper, is light or dark. Prints what is wrong, one a line."""
import struct
import sys
import zlib
from collections import Counter

COLOURS_MIN = 20  # smoothed letters alone have more
SHOWN_MIN = 0.002  # of all pixels: what is not paper


def chunks(data):
    at = 8
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def unfilter(kind, line, before, step):
    """Undoes one line's filter (PNG specification, section 9) in place."""
    for i in range(len(line) if kind else 0):
        left = line[i - step] if i >= step else 0
        if kind == 1:
            add = left
        elif kind == 2:
            add = before[i]
        elif kind == 3:
            add = (left + before[i]) // 2
        else:
            add = paeth(left, before[i], before[i - step] if i >= step else 0)
        line[i] = (line[i] + add) & 255


def pixels(data):
    """How often each colour is there, as bytes of red, green and blue."""
    if data[:8] != b'\x89PNG\r\n\x1a\n':
        raise ValueError('no PNG')
    packed = b''
    for kind, body in chunks(data):
        if kind == b'IHDR':
            width, height, depth, colour, _, _, interlaced = struct.unpack('>IIBBBBB', body)
        if kind == b'IDAT':
            packed += body
    if depth != 8 or colour not in (2, 6) or interlaced:
        raise ValueError(f'depth {depth}, colour type {colour}: not what a browser writes')
    step = 3 if colour == 2 else 4
    raw, size = zlib.decompress(packed), width * step
    found, before = Counter(), bytearray(size)
    for row in range(height):
        start = row * (size + 1)
        line = bytearray(raw[start + 1:start + 1 + size])
        unfilter(raw[start], line, before, step)
        before = line
        found.update(zip(line[0::step], line[1::step], line[2::step]))
    return found


def problem_of(found, wanted):
    (paper, most), total = found.most_common(1)[0], sum(found.values())
    if len(found) < COLOURS_MIN or most > (1 - SHOWN_MIN) * total:
        return f'blank: {len(found)} colours, {100 * most / total:.2f} % of it {paper}'
    light = sum(paper) > 3 * 128
    if wanted != 'any' and light != (wanted == 'light'):
        return f'expected {wanted} paper, got {paper}'
    return None


failed = False
for path in sys.argv[2:]:
    try:
        with open(path, 'rb') as file:
            problem = problem_of(pixels(file.read()), sys.argv[1])
    except (OSError, ValueError, zlib.error) as error:
        problem = str(error)
    if problem:
        print(f'{path}: {problem}')
        failed = True
sys.exit(1 if failed else 0)
