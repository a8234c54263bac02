"""A provider with a limit a second, on the clock of the running test."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from perplexity_connector.host.limits.rate_limiter import RateLimiter
from perplexity_connector.host.limits.shared_limiter import SharedLimiter
from perplexity_connector.sandbox.keys import Admission, Bucket

Limit = RateLimiter | SharedLimiter

# There, and back again.
TRAVEL_S = 0.01


def now() -> float:
    """Return the time on the clock of the running test."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Provider:
    """A provider with a limit a second.

    * `bucket`: the limit.
    * `admissions`, `times`: how it admitted each request, and when.
    """

    bucket: Bucket
    admissions: list[Admission] = field(default_factory=list[Admission])
    times: list[float] = field(default_factory=list[float])

    async def requests(self, limiter: Limit, count: int, at_once: int = 16) -> float:
        """Send so many requests from some places, until each is admitted. Return the seconds that they take."""
        numbers = iter(range(count))
        began = now()
        async with asyncio.TaskGroup() as places:
            for _ in range(at_once):
                places.create_task(self._place(limiter, numbers))
        return now() - began

    async def _place(self, limiter: Limit, numbers: Iterator[int]) -> None:
        for _ in numbers:
            while (await self.request(limiter)).is_refused:
                pass

    async def request(self, limiter: Limit, deadline: float = inf) -> Admission:
        """Send a request."""
        async with limiter.permit(deadline):
            await asyncio.sleep(TRAVEL_S)
            admission = self.bucket.take(1, now())
            self.admissions.append(admission)
            self.times.append(now())
            await asyncio.sleep(TRAVEL_S)
            left = admission.limit - min(admission.used, admission.limit)
            limiter.observe(admission.limit, left, admission.reset)
            if admission.is_refused:
                limiter.refuse(None)
        return admission

    @property
    def refused(self) -> int:
        """Return how many requests were refused."""
        return sum(admission.is_refused for admission in self.admissions)
