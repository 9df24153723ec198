"""Tests of the simulation with small numbers, and of its constants against the project."""

import dataclasses
import re
import unittest
from pathlib import Path

import simulate
from simulate import HOUR, Quotas, Rush

ROOT = Path(__file__).resolve().parents[2]
NEVER = range(0)
# At least ten times the load of the tests.
AMPLE = Quotas(
    anonymous_rate=1_000,
    anonymous_burst=1_000,
    ses_rate=1_000,
    ses_per_day=1_000_000,
)


def run(rate=10, duration=60, outage=NEVER, **quotas):
    return simulate.simulate(dataclasses.replace(AMPLE, **quotas), Rush(rate, duration, outage))


class Simulation(unittest.TestCase):
    def test_within_all_limits_every_reset_is_mailed_at_once(self):
        result = run()
        self.assertEqual((result.asked, result.mailed_at_once, result.pending), (600, 600, 0))
        self.assertEqual((result.instances, result.write_units), (5, 30))

    def test_api_gateway_admits_the_burst_and_then_its_rate(self):
        result = run(anonymous_rate=4, anonymous_burst=20)
        self.assertEqual(result.mailed_at_once, 24 + 59 * 4)
        self.assertEqual(result.refused_by_api_gateway, 600 - result.mailed_at_once)

    def test_an_instance_serves_two_resets_per_second(self):
        result = run(instances=3)
        self.assertEqual((result.mailed_at_once, result.refused_by_lambda), (360, 240))

    def test_instances_start_in_a_burst_and_then_at_a_fixed_rate(self):
        result = run(rate=100, duration=3, new_instances=1)
        # 10, 11 and 12 instances of the 50 that are needed.
        self.assertEqual(result.mailed_at_once, 2 * (10 + 11 + 12))

    def test_the_busiest_table_throttles_first(self):
        result = run(warm_write_units=15)
        self.assertEqual((result.mailed_at_once, result.throttled_by_dynamodb), (300, 300))

    def test_a_table_allows_twice_its_peak_half_an_hour_later(self):
        result = run(duration=HOUR, warm_write_units=15)
        self.assertGreater(result.mailed_at_once, 0.7 * result.asked)

    def test_after_an_outage_sweeps_mail_at_their_rate(self):
        result = run(duration=120, outage=range(60, 120), mail_rate=12)
        self.assertEqual((result.mailed_at_once, result.pending), (600, 600))
        self.assertEqual(result.mailed_by_sweeps, 600)
        # 50 seconds of a sweep that began at the full minute.
        self.assertEqual(result.last_mail, 120 + 50 - 1)

    def test_a_sweep_is_limited_by_the_hashes_of_one_core(self):
        result = run(duration=120, outage=range(60, 120), mail_rate=100)
        self.assertEqual(result.last_mail, 120 + 600 / simulate.SWEEP_HASHES - 1)

    def test_sweeps_make_no_progress_while_requests_use_up_ses(self):
        result = run(duration=600, ses_rate=1)
        self.assertLess(result.mailed_by_sweeps - (result.last_mail - 600), 60)

    def test_mails_beyond_the_daily_quota_are_sent_on_the_next_day(self):
        result = run(ses_per_day=400)
        self.assertEqual((result.mailed_at_once, result.mailed_by_sweeps), (400, 200))
        self.assertGreaterEqual(result.last_mail, 24 * HOUR)

    def test_resets_that_wait_for_a_day_are_abandoned(self):
        result = run(outage=range(30, 25 * HOUR))
        self.assertEqual((result.mailed_at_once, result.abandoned), (300, 300))

    def test_no_reset_is_lost(self):
        for quotas in simulate.ladder().values():
            result = simulate.simulate(quotas, Rush(20, 600, range(100, 200)))
            ended = sum(
                (
                    result.refused_by_api_gateway,
                    result.refused_by_lambda,
                    result.throttled_by_dynamodb,
                    result.mailed_at_once,
                    result.mailed_by_sweeps,
                    result.abandoned,
                )
            )
            self.assertAlmostEqual(ended, result.asked, delta=1)


class Numbers(unittest.TestCase):
    def test_constants_are_those_of_the_template(self):
        template = (ROOT / "template.yaml").read_text()
        for name, value in [
            ("AnonymousRate", Quotas().anonymous_rate),
            ("AnonymousBurst", Quotas().anonymous_burst),
            ("MailRate", Quotas().mail_rate),
            ("ResponseFloorMs", simulate.FLOOR * 1_000),
        ]:
            default = re.search(rf"^  {name}:\n(?:    .*\n)*?    Default: \"?(\d+)", template, re.M)
            self.assertEqual(float(default[1]), value, name)

    def test_constants_are_those_of_the_code(self):
        for file, pattern, value in [
            ("shared/src/users/queue.rs", r"SHARDS: \w+ = (\d+)", simulate.SHARDS),
            (
                "functions/reset-user-password/src/pace.rs",
                r"MAX_CONSECUTIVE_FAILURES: u32 = (\d+)",
                simulate.MAX_CONSECUTIVE_FAILURES,
            ),
            (
                "functions/reset-user-password/src/sweep.rs",
                r"MAX_AGE_SECONDS: u64 = (\d+) \* 3_600",
                simulate.MAX_AGE / HOUR,
            ),
        ]:
            found = re.search(pattern, (ROOT / file).read_text())
            self.assertEqual(float(found[1]), value, pattern)

    def test_the_document_contains_the_tables(self):
        document = (ROOT / "docs/capacity.md").read_text()
        self.assertIn(simulate.limits_table(), document)
        self.assertIn(simulate.rush_table(simulate.ladder()), document)


if __name__ == "__main__":
    unittest.main()
