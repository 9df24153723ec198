"""What the template promises and only its transformed form can show.

`python .ci/test_template.py` with what `.ci/run` installs.
"""

import copy
import hashlib
import json
import pathlib
import re
import sys
import tomllib
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from samcli.cli.types import CfnParameterOverridesType
from transform import ROOT, deployed, serverless, template, with_code

RESET = "ResetUserPasswordFunction"
UPDATE = "UpdateUserRegistrationPasswordFunction"
BOTH = {RESET, UPDATE}

TEMPLATE = template()
RUNBOOK = (ROOT / "docs/operations.md").read_text()

# Values unlike the defaults and the example's, where one cannot be made by adding one.
OTHER = {
    "AlarmEmail": "somebody@example.org",
    "Architecture": "arm64",
    "AsmxProtocols": "Soap",
    "CommonServiceCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a",
    "CommonServiceDomain": "a.example.org",
    "DeletionProtection": "DISABLED",
    "Deployment": "AllAtOnce",
    "LogDays": "30",
    "LoginUrl": "https://example.org/other",
    "MailArns": "arn:aws:ses:us-east-1:123456789012:identity/example.org",
    "MailFrom": "other@example.org",
    "ProductName": "Other",
    "RegistrarServicesCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0b",
    "RegistrarServicesDomain": "b.example.org",
    "ResetMode": "dual",
    "SelfTest": "ENABLED",
    "SelfTestUsername": "somebody",
    "SupportContact": "other@example.org",
}
# A host name and its certificate come together.
TOGETHER = {
    "CommonServiceCertificateArn": "CommonServiceDomain",
    "RegistrarServicesCertificateArn": "RegistrarServicesDomain",
}
# Of a function, what its versions do not keep.
NOT_OF_A_VERSION = {"ReservedConcurrentExecutions", "Tags"}
# Of a version, what SAM itself looks at. An architecture is seen by its code.
SEEN_BY_SAM = {"Architectures", "Code", "Environment", "MemorySize"}


def owners_values():
    """The parameters of parameters.example.yaml, as `sam deploy` reads them."""
    return CfnParameterOverridesType().convert(f"file://{ROOT}/parameters.example.yaml", None, None)


def values(**changes):
    """A value for every parameter."""
    defaults = {
        name: str(parameter["Default"])
        for name, parameter in TEMPLATE["Parameters"].items()
        if "Default" in parameter
    }
    return {**defaults, **owners_values(), **changes}


def deploy(source=TEMPLATE, **changes):
    """The resources of the transformed template with these parameters changed."""
    parameters = values(**changes)
    # Another architecture is another binary.
    code = with_code(source, f"code-{parameters['Architecture']}")
    return deployed(code, parameters)["Resources"]


def version(resources, function):
    """What has CloudFormation publish a version when it is another: its logical ID and properties."""
    [found] = [
        (name, resource["Properties"])
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Version" and name.startswith(f"{function}Version")
    ]
    return found


def kept(resources, function):
    """What a version of the function keeps."""
    properties = resources[function]["Properties"]
    return {name: value for name, value in properties.items() if name not in NOT_OF_A_VERSION}


def differing(of, before, after):
    return {function for function in BOTH if of(before, function) != of(after, function)}


def references(value):
    """The names that `Ref` and `Fn::Sub` use anywhere in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Ref":
                yield inner
            elif name == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                yield from re.findall(r"\$\{([A-Za-z0-9]+)\}", text)
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def readers(parameter):
    """The functions whose variables have the parameter."""
    resources = TEMPLATE["Resources"]
    return {
        function
        for function in BOTH
        if parameter in references(resources[function]["Properties"]["Environment"])
    }


def of_type(resources, kind):
    return {name: resource for name, resource in resources.items() if resource["Type"] == kind}


def as_list(value):
    return value if isinstance(value, list) else [value]


class Versions(unittest.TestCase):
    """A version is published for what it keeps, and for nothing else: Lambda refuses a version
    without a change, and without a new version the alias keeps the old values."""

    def test_a_parameter_publishes_the_functions_that_read_it(self):
        for name in TEMPLATE["Parameters"]:
            together = {TOGETHER[name]: OTHER[TOGETHER[name]]} if name in TOGETHER else {}
            before = deploy(**together)
            other = OTHER.get(name) or str(int(values()[name]) + 1)
            after = deploy(**together, **{name: other})
            expected = BOTH if name == "Architecture" else readers(name)
            with self.subTest(name):
                self.assertNotEqual(before, after, "the parameter does nothing")
                self.assertEqual(differing(version, before, after), expected)
                self.assertEqual(differing(kept, before, after), expected)

    def test_readers_are_as_the_names_say(self):
        for name, expected in {
            "ResetMode": BOTH,
            "MailFrom": BOTH,
            "SelfTestUsername": {RESET},
            "CredentialCacheSeconds": {UPDATE},
            "ResetConcurrency": set(),
            "AnonymousRate": set(),
            "AlarmEmail": set(),
        }.items():
            self.assertEqual(readers(name), expected, name)

    def test_without_a_change_nothing_is_published(self):
        before = deploy()
        self.assertEqual(before, deploy())
        changed = copy.deepcopy(TEMPLATE)
        changed["Resources"][RESET]["Properties"]["Tags"] = {"team": "accounts"}
        changed["Resources"]["DeadLettersAlarm"]["Properties"]["Threshold"] = 2
        after = deploy(changed)
        self.assertNotEqual(before, after)
        self.assertEqual(differing(version, before, after), set())

    def test_code_and_memory_publish(self):
        before = deploy()
        for name, value in {"MemorySize": 2048, "CodeUri": "s3://bucket/other"}.items():
            changed = copy.deepcopy(TEMPLATE)
            changed["Resources"][RESET]["Properties"][name] = value
            self.assertEqual(differing(version, before, deploy(changed)), {RESET}, name)

    def test_the_description_has_the_digest_of_what_sam_does_not_look_at(self):
        resources = serverless(with_code(TEMPLATE, "code"))["Resources"]
        for function in BOTH:
            unseen = {
                name: value
                for name, value in kept(resources, function).items()
                if name not in SEEN_BY_SAM
            }
            self.assertIn("Timeout", unseen)
            digest = hashlib.sha256(json.dumps(unseen, sort_keys=True).encode()).hexdigest()
            described = TEMPLATE["Resources"][function]["Properties"]["VersionDescription"]
            self.assertEqual(described, f"settings {digest[:8]}", function)

    def test_globals_read_no_parameter_into_variables(self):
        used = set(references(TEMPLATE["Globals"]["Function"]["Environment"]))
        self.assertEqual(used & set(TEMPLATE["Parameters"]), set())


class Deployment(unittest.TestCase):
    def test_a_gradual_deployment_heeds_alarms(self):
        resources = deploy()
        groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup").values()
        self.assertEqual(len(groups), 2)
        for group in groups:
            alarms = group["Properties"]["AlarmConfiguration"]
            self.assertTrue(alarms["Enabled"])
            self.assertEqual(len(alarms["Alarms"]), 4)
            for alarm in alarms["Alarms"]:
                # No request for a while is no reason to stop a deployment.
                properties = resources[alarm["Name"]["Ref"]]["Properties"]
                self.assertEqual(properties["TreatMissingData"], "notBreaching")
        for alias in of_type(resources, "AWS::Lambda::Alias").values():
            self.assertIn("CodeDeployLambdaAliasUpdate", alias["UpdatePolicy"])

    def test_all_at_once_is_done_without_codedeploy_and_so_whatever_the_alarms_say(self):
        by_sam_alone = serverless(with_code(TEMPLATE, "code"), values(Deployment="AllAtOnce"))
        for resources in (deploy(Deployment="AllAtOnce"), by_sam_alone["Resources"]):
            aliases = of_type(resources, "AWS::Lambda::Alias").values()
            self.assertEqual(len(aliases), 2)
            for alias in aliases:
                self.assertNotIn("UpdatePolicy", alias)
            kinds = {resource["Type"] for resource in resources.values()}
            self.assertEqual({kind for kind in kinds if "CodeDeploy" in kind}, set())

    def test_every_way_to_deploy_is_gradual_or_not(self):
        ways = TEMPLATE["Parameters"]["Deployment"]["AllowedValues"]
        self.assertEqual(sorted(TEMPLATE["Mappings"]["Deployments"]), sorted(ways))

    def test_no_concurrency_is_reserved_by_default(self):
        name = "ReservedConcurrentExecutions"
        for function, parameter in {RESET: "ResetConcurrency", UPDATE: "UpdateConcurrency"}.items():
            self.assertNotIn(name, deploy()[function]["Properties"])
            reserved = deploy(**{parameter: "35"})[function]["Properties"][name]
            self.assertEqual(str(reserved), "35")


class FirstDeploymentAndLast(unittest.TestCase):
    def test_only_what_is_worth_it_outlives_the_stack(self):
        resources = deploy()
        outliving = {
            name
            for name, resource in resources.items()
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
        }
        stores = {"AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::Logs::LogGroup"}
        expected = {name for kind in stores for name in of_type(resources, kind)} - {"LimitsTable"}
        self.assertEqual(outliving, expected)
        retained = [
            resource["Type"]
            for resource in resources.values()
            if resource.get("DeletionPolicy") == "Retain"
        ]
        self.assertEqual(set(retained) - {"AWS::Lambda::Version"}, set())

    def test_tables_are_protected_but_the_disposable_one(self):
        for protection, expected in {"ENABLED": True, "DISABLED": False}.items():
            tables = of_type(deploy(DeletionProtection=protection), "AWS::DynamoDB::Table")
            for name, table in tables.items():
                is_protected = table["Properties"]["DeletionProtectionEnabled"]
                self.assertEqual(is_protected, expected and name != "LimitsTable", name)


class SamConfig(unittest.TestCase):
    def test_the_owner_fills_in_what_has_no_default(self):
        required = {
            name for name, parameter in TEMPLATE["Parameters"].items() if "Default" not in parameter
        }
        self.assertEqual(set(owners_values()), required)
        self.assertEqual(len(required), 5)
        for name, value in owners_values().items():
            pattern = TEMPLATE["Parameters"][name]["AllowedPattern"]
            for one in value.split(",") if name == "MailArns" else [value]:
                self.assertRegex(one, f"^({pattern})$", name)

    def test_build_and_deploy_read_the_owners_file(self):
        config = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
        for command in ("build", "deploy"):
            overrides = config[command]["parameters"]["parameter_overrides"]
            self.assertEqual(overrides, "file://parameters.yaml")
        self.assertIn("/parameters.yaml", (ROOT / ".gitignore").read_text().splitlines())
        parameters = config["deploy"]["parameters"]
        # CloudFormation puts the tags of a stack on everything in it.
        self.assertEqual(parameters["tags"], "application=password-services")
        self.assertIn("CAPABILITY_AUTO_EXPAND", parameters["capabilities"])

    def test_a_change_on_the_command_line_comes_beside_the_file(self):
        given = (f"file://{ROOT}/parameters.example.yaml", "Deployment=AllAtOnce")
        read = CfnParameterOverridesType().convert(given, None, None)
        self.assertEqual(read, {**owners_values(), "Deployment": "AllAtOnce"})


class Alarms(unittest.TestCase):
    ALARMS = of_type(TEMPLATE["Resources"], "AWS::CloudWatch::Alarm")

    def test_every_alarm_names_its_row_of_the_runbook(self):
        cells = re.findall(r"^\| (`\w+Alarm`(?:, `\w+Alarm`)*) \|", RUNBOOK, re.MULTILINE)
        rows = [name for cell in cells for name in re.findall(r"\w+", cell)]
        self.assertEqual(sorted(rows), sorted(self.ALARMS))
        for name, alarm in self.ALARMS.items():
            description = alarm["Properties"]["AlarmDescription"]
            self.assertTrue(description.endswith(f" See {name} in docs/operations.md."), description)

    def test_every_alarm_reaches_the_topic(self):
        for name, alarm in self.ALARMS.items():
            for actions in ("AlarmActions", "OKActions"):
                self.assertEqual(alarm["Properties"][actions], [{"Ref": "AlarmTopic"}], name)

    def test_silence_is_a_fault_where_something_runs_by_the_clock(self):
        def breaching(resources):
            return {
                name
                for name, alarm in of_type(resources, "AWS::CloudWatch::Alarm").items()
                if alarm["Properties"]["TreatMissingData"] == "breaching"
            }

        clocked = {"SweepsMissingAlarm", "HealthChecksMissingAlarm"}
        self.assertEqual(breaching(deploy()), clocked)
        self.assertEqual(breaching(deploy(SelfTest="ENABLED")), clocked | {"SelfTestGapAlarm"})

    def test_what_runs_by_the_clock_runs_twice_in_the_period_of_its_alarm(self):
        minutes = {
            "Sweep": "SweepsMissingAlarm",
            "HealthCheck": "HealthChecksMissingAlarm",
            "SelfTest": "SelfTestGapAlarm",
        }
        for event, alarm in minutes.items():
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
        pattern = filters["SweepsFilter"]["Properties"]["FilterPattern"]
        self.assertIn(re.fullmatch(r'\{ \$\.event = "([a-z_.]+)" \}', pattern)[1], events)
        line = json.loads(TEMPLATE["Globals"]["HttpApi"]["AccessLogSettings"]["Format"])
        throttled = filters["TooManyRequestsFilter"]["Properties"]
        self.assertEqual(throttled["FilterPattern"], '{ $.status = "429" }')
        self.assertEqual(line["status"], "$context.status")
        self.assertEqual(line["apiId"], "$context.apiId")
        [transformation] = throttled["MetricTransformations"]
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
    """How long a caller who fills the function can keep the sweep and mail reports waiting: the
    figures of docs/operations.md."""

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
                # CloudWatch Logs gives no source; what it encrypts has its account in the ARN.
                context = condition.get("ArnLike", {}).get("kms:EncryptionContext:aws:logs:arn", {})
                is_bound = account == {"Ref": "AWS::AccountId"} or (
                    "${AWS::AccountId}" in context.get("Fn::Sub", "")
                )
                self.assertTrue(is_bound, (resource, statement))
        self.assertEqual(granted, 4)

    def test_queue_and_topic_refuse_what_is_not_encrypted(self):
        for resource in ("DeadLettersPolicy", "AlarmTopicPolicy"):
            [denied] = [s for s in self.statements(resource) if s["Effect"] == "Deny"]
            self.assertEqual(denied["Principal"], "*")
            self.assertEqual(denied["Condition"], {"Bool": {"aws:SecureTransport": "false"}})

    def test_every_queue_and_topic_has_its_policy(self):
        kinds = {
            "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "Queues"),
            "AWS::SNS::Topic": ("AWS::SNS::TopicPolicy", "Topics"),
        }
        for kind, (policy, property_name) in kinds.items():
            covered = [
                reference["Ref"]
                for resource in of_type(deploy(), policy).values()
                for reference in resource["Properties"][property_name]
            ]
            self.assertEqual(sorted(covered), sorted(of_type(deploy(), kind)))

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
