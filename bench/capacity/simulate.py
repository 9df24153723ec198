#!/usr/bin/env python3
"""Simulates a rush of resets during which SES fails for some time, second by second, against AWS's
quotas:

    bench/capacity/simulate.py

Prints the rate at which each limit is reached, and the outcome of the resets of a rush: first with the
defaults, then after raising the most restrictive limits one by one. docs/capacity.md explains the
results and lists the sources of the numbers.

Each second follows the path of a request: API Gateway's token bucket, Lambda's instances, the write
units of each table, SES. Emails that SES does not accept wait for the sweeps. Arrivals are even, all
names are different and exist, and keys are spread evenly over partitions.
"""

import dataclasses

HOUR = 3_600
MINUTE = 60


@dataclasses.dataclass(frozen=True)
class Quotas:
    """The limits on the path of a request. Rates are per second; the defaults are those of a new stack."""

    anonymous_rate: float = 10  # parameter AnonymousRate
    anonymous_burst: float = 20  # parameter AnonymousBurst
    instances: float = 1_000  # concurrent executions of the account
    new_instances: float = 100  # 1,000 every 10 seconds, refilled continuously
    warm_write_units: float = 4_000  # of a new on-demand table or index
    table_write_units: float = 40_000  # of any table
    partition_write_units: float = 1_000
    ses_rate: float = 14
    ses_per_day: float = 50_000
    mail_rate: float = 12  # parameter MailRate


@dataclasses.dataclass(frozen=True)
class Rush:
    """The requested resets and the outage, in seconds from the beginning of the rush."""

    rate: float = 1_000
    duration: int = HOUR
    outage: range = range(25 * MINUTE, 35 * MINUTE)


API_GATEWAY_RATE = 10_000  # requests per second, per account and region
# Constants of the function.
FLOOR = 0.5  # seconds for which a request occupies an instance
SWEEP_HASHES = 30  # per second, computed one after another
SHARDS = 8  # of pending-reset-index
SWEEP_EVERY = MINUTE
MAX_CONSECUTIVE_FAILURES = 5  # failures of SES after which a sweep ends
MAX_AGE = 24 * HOUR
# Write units of one reset, as counted by the benchmark `requests`: Limits by source and by name; the
# account once for the reservation and twice for the promotion, which is a transaction.
WRITE_UNITS = {"Limits": 2, "Users": 3, "pending-reset-index": 2, "Audit": 2}


@dataclasses.dataclass
class Result:
    """The outcome of the resets, and the peak usage."""

    asked: float = 0
    refused_by_api_gateway: float = 0
    refused_by_lambda: float = 0
    throttled_by_dynamodb: float = 0
    mailed_at_once: float = 0
    mailed_by_sweeps: float = 0
    abandoned: float = 0
    instances: float = 0
    write_units: float = 0  # per second, of the busiest table
    pending: float = 0
    last_mail: int = 0  # seconds from the beginning


class Bucket:
    """A token bucket: `size` at once, and `rate` per second."""

    def __init__(self, rate, size):
        self.rate, self.size, self.left = rate, size, size

    def take(self, wanted):
        taken = min(wanted, self.left)
        self.left = min(self.size, self.left - taken + self.rate)
        return taken


class Table:
    """An on-demand table or index. It allows its warm throughput, or twice the peak of half an hour ago if
    that is more."""

    def __init__(self, quotas, units, keys=None):
        most = quotas.table_write_units
        if keys is not None:
            most = min(most, keys * quotas.partition_write_units)
        self.units, self.most = units, most
        self.warm = min(most, quotas.warm_write_units)
        self.peak, self.second = 0.0, 0

    def resets(self, wanted):
        """The number of the requested resets for which the table has units in this second."""
        self.second += 1
        if self.second % (30 * MINUTE) == 0:
            self.warm = max(self.warm, min(self.most, 2 * self.peak))
        served = min(wanted, self.warm / self.units)
        self.peak = max(self.peak, served * self.units)
        return served


class Simulation:
    """A rush, and the time after it until no reset is pending."""

    def __init__(self, quotas, rush):
        self.quotas, self.rush, self.result = quotas, rush, Result()
        self.gateway = Bucket(quotas.anonymous_rate, quotas.anonymous_burst + quotas.anonymous_rate)
        self.starts = Bucket(quotas.new_instances, 10 * quotas.new_instances)
        self.running = 0.0
        self.tables = [
            Table(quotas, units, SHARDS if name == "pending-reset-index" else None)
            for name, units in WRITE_UNITS.items()
        ]
        # Resets whose email was not accepted, by the second in which they were requested.
        self.queue = []
        self.pending = 0.0
        self.mailed_today = 0.0
        self.sweep_is_over = False

    def run(self):
        second = 0
        while second < self.rush.duration or self.pending >= 1:
            self.step(second)
            second += 1
        return self.result

    def step(self, second):
        result = self.result
        if second % (24 * HOUR) == 0:
            self.mailed_today = 0.0
        asked = self.rush.rate if second < self.rush.duration else 0.0
        admitted = self.gateway.take(asked)
        served = self.invoke(admitted)
        reset = min(table.resets(served) for table in self.tables)
        result.asked += asked
        result.refused_by_api_gateway += asked - admitted
        result.refused_by_lambda += admitted - served
        result.throttled_by_dynamodb += served - reset
        result.write_units = max(result.write_units, reset * max(WRITE_UNITS.values()))
        self.mail(second, reset)
        self.abandon(second)

    def invoke(self, admitted):
        needed = min(admitted * FLOOR, self.quotas.instances)
        self.running += self.starts.take(max(0.0, needed - self.running))
        self.result.instances = max(self.result.instances, min(needed, self.running))
        return min(admitted, self.running / FLOOR)

    def mail(self, second, reset):
        """Requests and the sweep share the emails that SES accepts, in proportion to their attempts."""
        if second % SWEEP_EVERY == 0:
            self.sweep_is_over = False
        pace = min(self.quotas.mail_rate, SWEEP_HASHES)
        swept = 0.0 if self.sweep_is_over else min(self.pending, pace)
        accepted = self.accepted(second, reset + swept)
        share = accepted / (reset + swept) if accepted else 0.0
        # A sweep of which SES accepts fewer than one email in five has five failures in a row, and ends.
        self.sweep_is_over |= swept > 0 and share < 1 / MAX_CONSECUTIVE_FAILURES
        self.result.mailed_at_once += reset * share
        self.wait(second, reset * (1 - share))
        self.result.mailed_by_sweeps += self.take(swept * share)
        if accepted:
            self.result.last_mail = second

    def accepted(self, second, tried):
        if second in self.rush.outage:
            return 0.0
        left_today = max(0.0, self.quotas.ses_per_day - self.mailed_today)
        accepted = min(tried, self.quotas.ses_rate, left_today)
        self.mailed_today += accepted
        return accepted

    def wait(self, second, count):
        if count > 0:
            self.queue.append([second, count])
            self.pending += count
            self.result.pending = max(self.result.pending, self.pending)

    def take(self, wanted):
        """Takes resets out of the queue, the longest waiting first."""
        left = wanted
        while left > 0 and self.queue:
            taken = min(left, self.queue[0][1])
            self.queue[0][1] -= taken
            self.pending -= taken
            left -= taken
            if self.queue[0][1] <= 0:
                self.queue.pop(0)
        return wanted - left

    def abandon(self, second):
        while self.queue and self.queue[0][0] + MAX_AGE <= second:
            _, count = self.queue.pop(0)
            self.pending -= count
            self.result.abandoned += count


def simulate(quotas, rush=Rush()):
    return Simulation(quotas, rush).run()


def limits():
    """The limits in the order in which a growing rate of resets reaches them."""
    quotas = Quotas()
    rates = {
        "`AnonymousRate`": quotas.anonymous_rate,
        "rate of SES": quotas.ses_rate,
        "instances of a new account, 10": 10 / FLOOR,
        "instances": quotas.instances / FLOOR,
        "quota of API Gateway for the account": API_GATEWAY_RATE,
    }
    for name, units in WRITE_UNITS.items():
        rates[f"write units of {name}, new"] = quotas.warm_write_units / units
        rates[f"write units of {name}, quota"] = Table(quotas, units).most / units
    shards = SHARDS * quotas.partition_write_units / WRITE_UNITS["pending-reset-index"]
    rates["write units of pending-reset-index, quota"] = shards
    return sorted(rates.items(), key=lambda limit: limit[1])


def ladder():
    """Quotas by name. Each raises the limit that was the most restrictive in the previous one."""
    defaults = Quotas()
    api = dataclasses.replace(defaults, anonymous_rate=1_100, anonymous_burst=1_100)
    ses = dataclasses.replace(api, ses_rate=1_200, ses_per_day=5_000_000)
    mail = dataclasses.replace(ses, mail_rate=30)
    return {
        "nothing": defaults,
        "`AnonymousRate` and `AnonymousBurst` to 1,100": api,
        "SES's quotas to 1,200 per second and 5,000,000 per day": ses,
        "`MailRate` to 30": mail,
    }


def limits_table():
    lines = ["| limit | resets per second |", "|---|---|"]
    return "\n".join(lines + [f"| {name} | {rate:,.0f} |" for name, rate in limits()])


def rush_table(rungs, rush=Rush()):
    lines = [
        "| additionally raised | refused by API Gateway | mailed at once | mailed by sweeps | abandoned "
        "| most pending | last email after |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, quotas in rungs.items():
        r = simulate(quotas, rush)
        counts = [r.refused_by_api_gateway, r.mailed_at_once, r.mailed_by_sweeps, r.abandoned]
        cells = " | ".join(f"{count:,.0f}" for count in [*counts, r.pending])
        lines.append(f"| {name} | {cells} | {r.last_mail / HOUR:.1f} h |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(limits_table(), rush_table(ladder()), sep="\n\n")
