"""Made footage of what blinds a camera, and of what only looks like it: endless variants, each from its seed."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from camera.sources.frame import Image

WIDTH, HEIGHT = 640, 360
FRAMES_A_SECOND = 2
NOISE = 3.0
BEFORE_SECONDS = 14  # of the usual view, in each clip: after ten calm ones, a camera looks at it less often

Random = np.random.Generator
Look = Callable[[Image, float], Image]  # a clean picture and the seconds since it began, as it looks then


def room(seed: int) -> Image:
    """Draw a place: a wall, a floor and furniture, with texture."""
    random = np.random.default_rng(seed)
    wall, ground = random.integers(90, 200, 3), random.integers(50, 150, 3)
    image = np.empty((HEIGHT, WIDTH, 3), np.float32)
    horizon = int(HEIGHT * random.uniform(0.4, 0.8))
    image[:horizon], image[horizon:] = wall, ground
    for _ in range(int(random.integers(12, 45))):
        x, y = int(random.integers(-40, WIDTH)), int(random.integers(-40, HEIGHT))
        wide, high = (int(each) for each in random.integers(10, 160, 2))
        colour = tuple(float(each) for each in random.integers(15, 240, 3))
        kind = random.integers(3)
        if kind == 0:
            cv2.rectangle(image, (x, y), (x + wide, y + high), colour, -1)
        elif kind == 1:
            cv2.ellipse(image, (x, y), (wide // 2, high // 2), float(random.integers(180)), 0, 360, colour, -1)
        else:
            cv2.line(image, (x, y), (x + wide, y + high), colour, int(random.integers(1, 6)))
    texture = cv2.GaussianBlur(random.normal(0, 1, (HEIGHT, WIDTH, 1)).astype(np.float32), (0, 0), 1.5)
    light = cv2.resize(
        random.uniform(0.7, 1.2, (3, 4)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    image = (image + 14 * texture[:, :, None]) * light[:, :, None]
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.float32)


def clip(
    usual: Image, look: Look, seconds: float, random: Random, *, frozen: bool = False
) -> Iterator[tuple[Image, float]]:
    """Yield frames and their times: the usual view, with people now and then; from 0 s on what `look` makes of it."""
    last: Image | None = None
    walkers = random.random() < 0.5
    for number in range(-BEFORE_SECONDS * FRAMES_A_SECOND, round(seconds * FRAMES_A_SECOND)):
        now = number / FRAMES_A_SECOND
        clean = _with_walker(usual, now, random) if walkers else usual
        if now >= 0:
            clean = look(clean, now)
        noise = random.normal(0, NOISE, (HEIGHT, WIDTH, 1)).astype(np.float32)
        image = shot(np.asarray(clean, np.float32), noise)
        if frozen and now >= 0 and last is not None:
            image = last
        last = image
        yield image, now


def shot(clean: Image, noise: Image) -> Image:
    """What a sensor makes of it."""
    noisy = clean + noise
    return np.asarray(np.clip(noisy, 0, 255, out=noisy).astype(np.uint8))


def _with_walker(usual: Image, now: float, random: Random) -> Image:
    image = usual.copy()
    x = int((now * 90) % (WIDTH * 2)) - 100
    cv2.ellipse(image, (x, 250), (45, 130), 0, 0, 360, (60.0, 50.0, 70.0), -1)
    cv2.circle(image, (x + int(random.integers(-2, 3)), 100), 30, (120.0, 150.0, 200.0), -1)
    return image


# --- What blinds


def hand(random: Random) -> Look:
    """A hand comes from one side and stays on the lens, red where light shines through."""
    colour = random.uniform(0.2, 1.0) * np.array([70.0, 85.0, 150.0], np.float32)
    shades = cv2.resize(
        random.uniform(0.4, 1.4, (3, 3)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    left_free = int(WIDTH * random.uniform(0, 0.08))

    def look(image: Image, now: float) -> Image:
        covered = image * 0 + colour * (shades * (1 + 0.03 * np.sin(now * 7)))[:, :, None]
        edge = int(WIDTH * min(1.0, now / 0.8)) - (left_free if now > 1 else 0)
        mask = np.zeros((HEIGHT, WIDTH, 1), np.float32)
        mask[:, :edge] = 1
        soft = cv2.GaussianBlur(mask, (0, 0), 15)[:, :, None]
        return np.asarray(image * (1 - soft) + covered * soft, np.float32)

    return look


def even(random: Random) -> Look:
    """A cloth, a sticker or a bag: one colour."""
    colour = random.uniform(45, 220)
    return lambda image, _: image * 0 + colour


def spray(random: Random) -> Look:
    """Paint on the lens, far out of focus: clouds of one colour, and a little shines through."""
    field = cv2.GaussianBlur(random.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), random.uniform(20, 40))
    paint = np.clip((field - np.quantile(field, 0.08)) / field.std() * 2, 0.3, 1) * random.uniform(0.93, 1)
    colour = random.uniform(30, 230, 3).astype(np.float32)

    def look(image: Image, now: float) -> Image:
        share = (paint * min(1.0, now / 2))[:, :, None]
        soft = cv2.GaussianBlur(image, (0, 0), 12)
        return np.asarray(soft * (1 - share) + colour * share, np.float32)

    return look


def defocus(random: Random) -> Look:
    """The lens is turned: what was a point is 1 to 5% of the width."""
    radius = int(WIDTH * random.uniform(0.012, 0.05))
    return lambda image, now: cv2.blur(cv2.blur(image, (radius, radius)), (radius, radius)) if now > 1 else image


def turned(random: Random) -> Look:
    """Somebody turns the camera: for a second or two all is smeared, then it looks elsewhere."""
    other = room(int(random.integers(1_000_000)))
    slow = random.uniform(0.3, 2)

    def look(image: Image, now: float) -> Image:
        if now < slow:
            return np.asarray(cv2.blur(np.roll(image, int(now * 400), 1), (60, 3)), np.float32)
        return other

    return look


def nothing(_random: Random) -> Look:
    """The picture stays as it is; frozen clips have this."""
    return lambda image, _: image


def dark(random: Random) -> Look:
    """All light is gone, at once."""
    left = random.uniform(0, 0.01)
    return lambda image, _: image * left


BLINDING: dict[str, Callable[[Random], Look]] = {
    "hand": hand,
    "cloth": even,
    "spray": spray,
    "defocus": defocus,
    "turned": turned,
    "frozen": nothing,
    "dark": dark,
}

# --- What does not


def lamp(random: Random) -> Look:
    """A lamp is switched: another strength, from another side, and back again."""
    strength = random.choice([0.08, 0.2, 0.4, 0.7, 1.4, 2.0])
    side = cv2.resize(
        random.uniform(0.5, 1.5, (2, 3)).astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    period = random.uniform(2, 40)

    def look(image: Image, now: float) -> Image:
        on = int(now / period) % 2 == 0
        return np.asarray(image * strength * side[:, :, None], np.float32) if on else image

    return look


def dusk(random: Random) -> Look:
    """Within minutes, faster than the sun, all light goes and comes again."""
    minutes = random.uniform(2, 6)
    return lambda image, now: image * min(1.0, abs(1 - now / 60 / minutes))


def rain(random: Random) -> Look:
    """Streaks everywhere, a veil, and drops on the lens."""
    drops = [
        (int(random.integers(WIDTH)), int(random.integers(HEIGHT)), int(random.integers(8, 45))) for _ in range(14)
    ]
    veil, streaks = random.uniform(0, 0.35), int(random.integers(50, 400))

    def look(image: Image, _: float) -> Image:
        wet = image * (1 - veil) + 150 * veil
        soft = cv2.GaussianBlur(wet, (0, 0), 10)
        mask = np.zeros((HEIGHT, WIDTH, 1), np.float32)
        for x, y, radius in drops:
            cv2.circle(mask, (x, y), radius, (1.0,), -1)
        wet = wet * (1 - mask) + soft * mask
        for _ in range(streaks):
            x, y, long = int(random.integers(WIDTH)), int(random.integers(HEIGHT)), int(random.integers(8, 30))
            cv2.line(wet, (x, y), (x + long // 5, y + long), (200.0, 200.0, 200.0), 1)
        return np.asarray(wet, np.float32)

    return look


def autofocus(random: Random) -> Look:
    """The lens searches: blurred for up to four seconds, again and again."""
    lasts, pause, strength = random.uniform(1, 4), random.uniform(3, 15), random.uniform(3, 12)
    return lambda image, now: cv2.GaussianBlur(image, (0, 0), strength) if now % (lasts + pause) < lasts else image


def somebody_near(random: Random) -> Look:
    """A body fills most or all of the picture, moves as people do, and leaves."""
    lasts, share = random.uniform(4, 30), random.uniform(0.6, 1.1)
    cloth = room(int(random.integers(1_000_000)))
    cloth = cloth * random.uniform(0.2, 0.5) + random.uniform(20, 120)
    sway = random.uniform(6, 25)

    def look(image: Image, now: float) -> Image:
        if now > lasts:
            return image
        body = np.roll(
            cloth, (int(random.normal(0, sway / 3)), int(sway * np.sin(now * 1.7) + random.normal(0, 4))), (0, 1)
        )
        mask = np.zeros((HEIGHT, WIDTH, 1), np.float32)
        centre = (int(WIDTH / 2 + sway * np.sin(now * 1.3)), int(HEIGHT * 0.6))
        cv2.ellipse(mask, centre, (int(WIDTH * share * 0.6), int(HEIGHT * share)), 0, 0, 360, (1.0,), -1)
        return np.asarray(image * (1 - mask) + body * mask, np.float32)

    return look


def headlights(random: Random) -> Look:
    """Lights sweep over the picture and dazzle for some seconds."""
    lasts, period = random.uniform(1, 4), random.uniform(10, 25)
    yy, xx = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)

    def look(image: Image, now: float) -> Image:
        if now % period > lasts:
            return image
        x = WIDTH * (now % period) / lasts
        glare = 400 * np.exp(-((xx - x) ** 2 + (yy - HEIGHT / 2) ** 2) / (2 * 140.0**2))
        return np.asarray(np.minimum(image * 0.5 + glare[:, :, None], 255), np.float32)

    return look


def shaking(random: Random) -> Look:
    """Wind shakes the mast; once the camera is nudged for good."""
    nudge = [int(each) for each in random.integers(-12, 13, 2)]

    def look(image: Image, now: float) -> Image:
        shift = [int(each) for each in random.normal(0, 1.2, 2)]
        extra = nudge if now > 10 else [0, 0]
        return np.roll(image, (shift[0] + extra[0], shift[1] + extra[1]), (0, 1))

    return look


def night_mode(random: Random) -> Look:
    """Infrared light takes over: no colours, bright in the middle, leaves and cloth turn pale."""
    yy, xx = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    cone = np.exp(-((xx - WIDTH / 2) ** 2 + (yy - HEIGHT / 2) ** 2) / (2 * random.uniform(180, 300) ** 2))
    reversed_colours = random.uniform(0, 0.4)

    def look(image: Image, now: float) -> Image:
        if now % 60 < 5:
            return image
        grey = image[:, :, 2:] * (1 - reversed_colours) + (200 - image[:, :, :1]) * reversed_colours
        return np.repeat(grey * cone[:, :, None] * 0.9, 3, axis=2)

    return look


def exposure(random: Random) -> Look:
    """An automatic exposure swings."""
    period, swing = random.uniform(1, 8), random.uniform(0.2, 0.7)
    return lambda image, now: np.minimum(image * (1 + swing * np.sin(now * 2 * np.pi / period)), 255)


HARMLESS: dict[str, Callable[[Random], Look]] = {
    "lamp": lamp,
    "dusk": dusk,
    "rain": rain,
    "autofocus": autofocus,
    "somebody near": somebody_near,
    "headlights": headlights,
    "shaking": shaking,
    "night mode": night_mode,
    "exposure": exposure,
}
