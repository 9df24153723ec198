"""Tests for operators: every alarm is in the runbook, no event is lost, access is limited, and the audit
trail is complete.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import json
import re
import unittest

from stack import BOTH, RESET, TEMPLATE, UPDATE, as_list, deploy, of_type, values
from transform import ROOT

RUNBOOK = (ROOT / "docs/operations.md").read_text()


class Alarms(unittest.TestCase):
    ALARMS = of_type(TEMPLATE["Resources"], "AWS::CloudWatch::Alarm")

    def test_every_alarm_has_a_heading_in_the_runbook(self):
        headings = re.findall(r"^### (\w+Alarm)$", RUNBOOK, re.MULTILINE)
        self.assertEqual(sorted(headings), sorted(self.ALARMS))
        for name, alarm in self.ALARMS.items():
            description = alarm["Properties"]["AlarmDescription"]
            self.assertTrue(description.endswith(f" See {name} in docs/operations.md."), description)

    def test_the_runbook_says_how_to_check_and_fix_every_alarm(self):
        alarms = re.search(r"^## Alarms$(.*?)^## ", RUNBOOK, re.MULTILINE | re.DOTALL)[1]
        # The alarms of the two functions may share a section, with one heading directly after the other.
        sections = re.split(r"(?:^### \w+Alarm\n+)+", alarms, flags=re.MULTILINE)[1:]
        self.assertTrue(sections)
        for section in sections:
            labels = re.findall(r"^\*\*(\w+)\.\*\*", section, re.MULTILINE)
            self.assertEqual(labels, ["Meaning", "Check", "Fix"], section)

    def test_every_alarm_reaches_the_topic(self):
        for name, alarm in self.ALARMS.items():
            for actions in ("AlarmActions", "OKActions"):
                self.assertEqual(alarm["Properties"][actions], [{"Ref": "AlarmTopic"}], name)

    def test_the_price_of_alarms_is_that_of_their_number(self):
        with_front_door = len(self.ALARMS)
        number = sum("Condition" not in alarm for alarm in self.ALARMS.values())
        row = (
            f"| {number} alarms, {with_front_door} with a [front door](front-door.md#what-it-changes)"
            f" | {number / 10:.2f}, {with_front_door / 10:.2f} |"
        )
        self.assertIn(row, (ROOT / "docs/capacity.md").read_text())

    def test_missing_data_is_a_fault_for_scheduled_work(self):
        def breaching(resources):
            return {
                name
                for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm").items()
                if alarm["Properties"]["TreatMissingData"] == "breaching"
            }

        scheduled = {"SweepsMissingAlarm", "HealthChecksMissingAlarm"}
        self.assertEqual(breaching(deploy()), scheduled)
        self.assertEqual(breaching(deploy(SelfTest="ENABLED")), scheduled | {"SelfTestGapAlarm"})

    def test_scheduled_work_runs_twice_in_the_period_of_its_alarm(self):
        alarm_by_event = {
            "Sweep": "SweepsMissingAlarm",
            "HealthCheck": "HealthChecksMissingAlarm",
            "SelfTest": "SelfTestGapAlarm",
        }
        for event, alarm in alarm_by_event.items():
            [schedule] = [
                function["Properties"]["Events"][event]["Properties"]["Schedule"]
                for function in map(TEMPLATE["Resources"].get, BOTH)
                if event in function["Properties"]["Events"]
            ]
            every = int(re.fullmatch(r"rate\((\d+) minutes?\)", schedule)[1]) * 60
            self.assertGreaterEqual(self.ALARMS[alarm]["Properties"]["Period"], 2 * every, event)

    def test_metrics_from_logs_find_their_lines(self):
        filters = of_type(TEMPLATE["Resources"], "AWS::Logs::MetricFilter")
        events = re.findall(r"^\| `([a-z_.]+)` \|", (ROOT / "docs/audit.md").read_text(), re.MULTILINE)
        for name in ("SweepsFilter", *(f"{function.removesuffix('Function')}PanicsFilter" for function in BOTH)):
            pattern = filters[name]["Properties"]["FilterPattern"]
            self.assertIn(re.fullmatch(r'\{ \$\.event = "([a-z_.]+)" \}', pattern)[1], events)
        line = json.loads(TEMPLATE["Globals"]["HttpApi"]["AccessLogSettings"]["Format"])
        throttled = filters["TooManyRequestsFilter"]["Properties"]
        self.assertEqual(throttled["FilterPattern"], '{ $.status = "429" }')
        self.assertEqual(line["status"], "$context.status")
        self.assertEqual(line["apiId"], "$context.apiId")
        unanswered = filters["IntegrationErrorsFilter"]["Properties"]
        self.assertEqual(
            unanswered["FilterPattern"], '{ ($.status = "5*") && ($.integrationError != "-") }'
        )
        self.assertEqual(line["integrationError"], "$context.integration.error")
        for log_filter in (throttled, unanswered):
            [transformation] = log_filter["MetricTransformations"]
            self.assertEqual(transformation["Dimensions"], [{"Key": "ApiId", "Value": "$.apiId"}])

    def test_metrics_from_logs_have_alarms(self):
        for log_filter in of_type(TEMPLATE["Resources"], "AWS::Logs::MetricFilter").values():
            [metric] = log_filter["Properties"]["MetricTransformations"]
            alarms = [
                alarm
                for alarm in self.ALARMS.values()
                if alarm["Properties"].get("MetricName") == metric["MetricName"]
                and alarm["Properties"]["Namespace"] == metric["MetricNamespace"]
            ]
            self.assertTrue(alarms, metric["MetricName"])

    def test_lines_with_metrics_are_never_below_the_level_of_the_log(self):
        for function in BOTH:
            logging = deploy()[function]["Properties"]["LoggingConfig"]
            self.assertEqual(logging["LogFormat"], "JSON")
            self.assertEqual(logging["ApplicationLogLevel"], "INFO")


class Events(unittest.TestCase):
    """How many instances callers can occupy, how long sweeps and mail reports wait meanwhile, and what
    becomes of them then, as in docs/operations.md."""

    def test_callers_cannot_fill_more_instances_than_documented(self):
        default = values()
        burst, rate = int(default["AnonymousBurst"]), int(default["AnonymousRate"])
        longest = 2 * int(default["ResponseFloorMs"]) / 1000
        bound = f"{burst} + {rate}/s × {longest:g} s = {burst + rate * longest:g} instances"
        self.assertIn(bound, RUNBOOK)

    def test_an_event_waits_for_an_hour_and_is_then_kept(self):
        configurations = of_type(deploy(), "AWS::Lambda::EventInvokeConfig")
        self.assertEqual(len(configurations), 2)
        for configuration in configurations.values():
            properties = configuration["Properties"]
            self.assertEqual(properties["MaximumEventAgeInSeconds"], 3600)
            self.assertEqual(properties["MaximumRetryAttempts"], 2)
            failed = properties["DestinationConfig"]["OnFailure"]["Destination"]
            self.assertEqual(failed, {"Fn::GetAtt": ["DeadLetters", "Arn"]})
        queue = TEMPLATE["Resources"]["DeadLetters"]["Properties"]
        self.assertEqual(queue["MessageRetentionPeriod"], 14 * 24 * 3600)

    def test_every_rule_says_how_long_it_tries_and_what_becomes_of_its_event_then(self):
        rules = of_type(deploy(), "AWS::Events::Rule")
        self.assertEqual(len(rules), 4)
        for name, rule in rules.items():
            [target] = rule["Properties"]["Targets"]
            age = 60 if "ScheduleExpression" in rule["Properties"] else 24 * 3600
            self.assertEqual(target["RetryPolicy"]["MaximumEventAgeInSeconds"], age, name)
            self.assertEqual(target["DeadLetterConfig"], {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}})

    def test_the_alarm_on_waiting_events_goes_off_before_they_are_lost(self):
        waiting = Alarms.ALARMS["EventsWaitAlarm"]["Properties"]
        self.assertLess(waiting["Threshold"] / 1000 + waiting["Period"], 3600)


class AuditTrail(unittest.TestCase):
    """Audit rows as events and in an archive. Their contents are tested in test_audit_rows.py."""

    RESOURCES = TEMPLATE["Resources"]

    def test_both_are_off_until_their_parameter_is_set(self):
        self.assertEqual(values()["EventBus"], "")
        self.assertEqual(values()["AuditArchiveDays"], "0")
        stream = "StreamSpecification"
        for changes, expected in (
            ({}, None),
            ({"EventBus": "default"}, {"StreamViewType": "NEW_IMAGE"}),
            ({"AuditArchiveDays": "400"}, {"StreamViewType": "NEW_IMAGE"}),
        ):
            table = deploy(**changes)["AuditTable"]["Properties"]
            self.assertEqual(table.get(stream), expected, changes)
        for name, resource in self.RESOURCES.items():
            if name.startswith("AuditEvents"):
                self.assertEqual(resource["Condition"], "HasEventBus", name)
            if name.startswith("AuditArchive"):
                self.assertEqual(resource["Condition"], "HasAuditArchive", name)

    def test_a_row_that_cannot_be_passed_on_becomes_a_dead_letter(self):
        pipes = of_type(self.RESOURCES, "AWS::Pipes::Pipe")
        self.assertEqual(len(pipes), 2)
        for pipe in pipes.values():
            stream = pipe["Properties"]["SourceParameters"]["DynamoDBStreamParameters"]
            self.assertEqual(stream["DeadLetterConfig"], {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}})
            self.assertLessEqual(stream["MaximumRetryAttempts"], 10)

    def test_an_event_is_the_row(self):
        target = self.RESOURCES["AuditEvents"]["Properties"]["TargetParameters"]
        self.assertEqual(target["InputTemplate"], "<$.dynamodb.NewImage>")
        named = target["EventBridgeEventBusParameters"]
        documented = (ROOT / "docs/audit.md").read_text()
        self.assertIn(f'"source": ["{named["Source"]}"]', documented)
        self.assertIn(f'"detail-type": ["{named["DetailType"]}"]', documented)

    def test_nobody_can_change_or_delete_what_is_in_the_archive(self):
        days = {"Ref": "AuditArchiveDays"}
        bucket = self.RESOURCES["AuditArchive"]["Properties"]
        self.assertIs(bucket["ObjectLockEnabled"], True)
        retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
        self.assertEqual(retention, {"Mode": "COMPLIANCE", "Days": days})
        self.assertEqual(bucket["VersioningConfiguration"], {"Status": "Enabled"})
        # Deleting a key of the account would destroy the archive.
        [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        self.assertEqual(encryption["ServerSideEncryptionByDefault"], {"SSEAlgorithm": "AES256"})
        self.assertTrue(all(bucket["PublicAccessBlockConfiguration"].values()))

    def test_an_overwritten_row_is_archived_in_both_versions(self):
        source = self.RESOURCES["AuditArchivePipe"]["Properties"]["SourceParameters"]
        [criterion] = source["FilterCriteria"]["Filters"]
        self.assertEqual(json.loads(criterion["Pattern"]), {"eventName": ["INSERT", "MODIFY"]})
        machine = self.RESOURCES["AuditArchiveWriter"]["Properties"]["Definition"]
        keep = machine["States"]["EachRow"]["ItemProcessor"]["States"]["Keep"]["Parameters"]
        self.assertEqual(keep["Body.$"], "$.dynamodb.NewImage")
        # Each record of the stream has its own eventID.
        self.assertIn("$.eventID", keep["Key.$"])
        # S3 requires a checksum for each object in a bucket with Object Lock.
        self.assertEqual(keep["ChecksumAlgorithm"], "SHA256")


class Access(unittest.TestCase):
    RESOURCES = TEMPLATE["Resources"]

    def statements(self, resource, document="PolicyDocument"):
        return self.RESOURCES[resource]["Properties"][document]["Statement"]

    def test_grants_to_services_are_for_this_account_alone(self):
        granted = 0
        for resource, document in (
            ("Key", "KeyPolicy"),
            ("DeadLettersPolicy", "PolicyDocument"),
            ("AlarmTopicPolicy", "PolicyDocument"),
        ):
            for statement in self.statements(resource, document):
                if statement["Effect"] == "Deny" or "Service" not in statement["Principal"]:
                    continue
                granted += 1
                condition = statement["Condition"]
                account = condition.get("StringEquals", {}).get("aws:SourceAccount")
                # CloudWatch Logs sends no source account. The ARN in its encryption context
                # contains the account.
                context = condition.get("ArnLike", {}).get("kms:EncryptionContext:aws:logs:arn", {})
                is_bound = account == {"Ref": "AWS::AccountId"} or (
                    "${AWS::AccountId}" in context.get("Fn::Sub", "")
                )
                self.assertTrue(is_bound, (resource, statement))
        self.assertEqual(granted, 4)

    def test_queue_topic_and_bucket_refuse_what_is_not_encrypted(self):
        for resource in ("DeadLettersPolicy", "AlarmTopicPolicy", "AuditArchivePolicy"):
            [denied] = [s for s in self.statements(resource) if s["Effect"] == "Deny"]
            self.assertEqual(denied["Principal"], "*")
            self.assertEqual(denied["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_every_queue_topic_and_bucket_has_its_policy(self):
        kinds = {
            "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
            "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
            "AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "Bucket"),
        }
        resources = deploy(EventBus="default", AuditArchiveDays="400")
        for kind, (policy, property_name) in kinds.items():
            covered = [
                reference["Ref"]
                for resource in of_type(resources, policy).values()
                for reference in as_list(resource["Properties"][property_name])
            ]
            self.assertEqual(sorted(covered), sorted(of_type(resources, kind)))

    def test_pipes_and_the_state_machine_assume_their_roles_in_this_account_alone(self):
        for name in ("AuditEventsRole", "AuditArchivePipeRole", "AuditArchiveWriterRole"):
            [statement] = self.statements(name, "AssumeRolePolicyDocument")
            account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
            self.assertEqual(statement["Condition"], account, name)

    def test_the_roles_of_the_functions_name_what_they_may_use(self):
        for function in BOTH:
            role = deploy()[function]["Properties"]["Role"]["Fn::GetAtt"][0]
            properties = self.RESOURCES[role]["Properties"]
            [managed] = properties["ManagedPolicyArns"]
            self.assertTrue(managed["Fn::Sub"].endswith(":iam::aws:policy/AWSXRayDaemonWriteAccess"))
            for policy in properties["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    wild = [action for action in as_list(statement["Action"]) if "*" in action]
                    self.assertEqual(wild, [])
                    self.assertNotIn("*", json.dumps(statement["Resource"]))

    def test_a_function_writes_to_its_own_log_alone(self):
        for function, log in ((RESET, "ResetUserPasswordLogs"), (UPDATE, "UpdateUserRegistrationPasswordLogs")):
            properties = deploy()[function]["Properties"]
            self.assertEqual(properties["LoggingConfig"]["LogGroup"], {"Ref": log})
            role = properties["Role"]["Fn::GetAtt"][0]
            written = [
                statement["Resource"]
                for policy in self.RESOURCES[role]["Properties"]["Policies"]
                for statement in policy["PolicyDocument"]["Statement"]
                if "logs:PutLogEvents" in as_list(statement["Action"])
            ]
            self.assertEqual(written, [{"Fn::GetAtt": [log, "Arn"]}])


if __name__ == "__main__":
    unittest.main()
