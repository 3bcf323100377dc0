"""Below what a shot is poor: the settings' thresholds, in words that people understand."""

from dataclasses import dataclass

from camera.config.settings import Settings
from camera.pipeline.face.quality import Quality

MAX_TILT = 60.0  # degrees: sideways or upside down
MIN_EXPOSURE = 0.2  # of the factor: nearly one grey
MIN_EYES = 0.3  # of the factor: half as open as this visit's widest, and less
DARK, BLURRED, TURNED, EYES_SHUT, CUT = "dark", "blurred", "turned", "eyes shut", "cut"
POOR_REASONS = (DARK, BLURRED, TURNED, EYES_SHUT, CUT)
SMALL, NO_FACE, STILL = "small", "no face", "still"  # of these no picture leaves
PERCENT = 100


@dataclass(frozen=True, slots=True)
class QualityThresholds:
    """What a shot must reach, or it is poor."""

    min_brightness: float  # mean of the face, a share of white
    min_sharpness: float  # 0 to 1
    max_turn: float  # degrees, to a side, up or down

    @classmethod
    def of(cls, settings: Settings) -> "QualityThresholds":
        """The thresholds that the settings ask for."""
        return cls(settings.min_brightness / PERCENT, settings.min_sharpness / PERCENT, settings.max_turn)

    def poor_reason(self, quality: Quality) -> str | None:
        """Why a shot is poor, the worst first; None for a good one."""
        if quality.brightness < self.min_brightness or quality.exposure < MIN_EXPOSURE:
            return DARK
        if quality.completeness <= 0:
            return CUT
        if quality.sharpness < self.min_sharpness:
            return BLURRED
        if quality.turn > self.max_turn or abs(quality.tilt) > MAX_TILT:
            return TURNED
        return EYES_SHUT if quality.eyes < MIN_EYES else None
