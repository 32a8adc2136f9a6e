"""Virtual time: a heap of (time, sequence, what happens), the venue's true clock, and ours, which may be wrong."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from arbbot.domain.events import Moment

BIRTH_US = 1_750_000_000_000_000
"""Of most lives: an afternoon, hours before the next midnight UTC."""
MIDNIGHT_US = 1_750_032_000_000_000
"""That midnight."""
MS = 1000
SECOND = 1_000_000
Happening = Callable[[], None]


class Clockwork:
    """True time is the venue's, microseconds since the epoch, and never goes back."""

    def __init__(self, clock_off_ms: int, birth_us: int = BIRTH_US) -> None:
        self.birth_us = self.now_us = birth_us
        self.wall_off_us = clock_off_ms * MS
        """Our wall clock minus the truth."""
        self.asleep_us = 0
        """How long this machine was suspended: its monotonic clock did not count that."""
        self.boot_us = 0
        """Monotonic time at birth; another one after every reboot."""
        self.blocked_until_us = 0
        """Nothing reaches the process before this."""
        self._heap: list[tuple[int, int, Happening]] = []
        self._pushed = 0

    def moment(self) -> Moment:
        """What our own clocks say."""
        return Moment(self.mono_ns, self.now_us + self.wall_off_us)

    @property
    def mono_ns(self) -> int:
        """Our monotonic clock."""
        return (self.now_us - self.birth_us - self.asleep_us + self.boot_us) * 1000

    @property
    def mono_s(self) -> float:
        """Our monotonic clock in seconds."""
        return self.mono_ns / 1e9

    @property
    def since_ms(self) -> int:
        """Milliseconds of true time since the life began."""
        return (self.now_us - self.birth_us) // MS

    def at(self, at_us: int, happening: Happening) -> None:
        """Let something happen at a true time; now, if that is past."""
        self._pushed += 1
        heapq.heappush(self._heap, (max(at_us, self.now_us), self._pushed, happening))

    def after(self, delay_us: int, happening: Happening) -> None:
        """Let something happen after a while of true time."""
        self.at(self.now_us + delay_us, happening)

    def advance(self) -> None:
        """Let the next thing happen."""
        at_us, _, happening = heapq.heappop(self._heap)
        self.now_us = at_us
        happening()

    def __len__(self) -> int:
        return len(self._heap)

    def __bool__(self) -> bool:
        return bool(self._heap)
