"""Tests of the front door: CloudFront in front of both APIs, and none of it while it is disabled.

`python -m unittest discover -s .ci` with what `.ci/run` installs.
"""

import json
import re
import unittest

from stack import BOTH, TEMPLATE, decided, holds, of_type, values
from transform import OPTIONS, ROOT, deployed, with_code

ON = {name: str(value) for name, value in OPTIONS.items()}
# CloudFront developer guide, "HTTP 4xx and 5xx status codes that CloudFront caches": some always,
# others if the origin sends a header.
CACHED_ERRORS = {400, 403, 404, 405, 414, 500, 501, 502, 503, 504}


def stack(**changes):
    """The resources and outputs that exist with these parameters, with conditions resolved."""
    parameters = values(**changes)
    made = deployed(with_code(TEMPLATE, "code"), parameters)
    return [
        {
            name: decided(part, parameters)
            for name, part in made[section].items()
            if "Condition" not in part or holds(part["Condition"], parameters)
        }
        for section in ("Resources", "Outputs")
    ]


OFF_RESOURCES, OFF_OUTPUTS = stack()
RESOURCES, OUTPUTS = stack(**ON)


def distribution(resources, name):
    return resources[f"{name}FrontDoor"]["Properties"]["DistributionConfig"]


def variables(resources, function):
    return resources[function]["Properties"]["Environment"]["Variables"]


def endpoint_is_disabled(resources, api):
    [server] = resources[api]["Properties"]["Body"]["servers"]
    return server["x-amazon-apigateway-endpoint-configuration"]["disableExecuteApiEndpoint"]


class Off(unittest.TestCase):
    def test_it_is_off_by_default_and_nothing_of_it_is_there(self):
        self.assertEqual(values()["FrontDoor"], "NONE")
        self.assertEqual([n for n, r in OFF_RESOURCES.items() if "CloudFront" in r["Type"]], [])
        self.assertNotIn("resolve:secretsmanager", json.dumps(OFF_RESOURCES))
        for function in BOTH:
            off = variables(OFF_RESOURCES, function)
            self.assertEqual(off["FRONT_DOOR"], "NONE")
            self.assertEqual(off["FRONT_DOOR_SECRET"], "")
            self.assertEqual(off["FRONT_DOOR_OTHER_SECRET"], "")
        for api in ("CommonServiceApi", "RegistrarServicesApi"):
            self.assertIs(endpoint_is_disabled(OFF_RESOURCES, api), False)
        url = OFF_OUTPUTS["ResetUserPasswordUrl"]["Value"]
        self.assertIn("${CommonServiceApi.ApiEndpoint}", json.dumps(url))

    def test_names_and_certificates_alone_switch_nothing_on(self):
        resources, _ = stack(**{**ON, "FrontDoor": "NONE"})
        self.assertEqual(of_type(resources, "AWS::CloudFront::Distribution"), {})
        self.assertNotIn("resolve:secretsmanager", json.dumps(resources))

    def test_what_it_needs_is_checked_before_anything_is_deployed(self):
        rule = TEMPLATE["Rules"]["FrontDoorHasWhatItNeeds"]
        self.assertEqual(rule["RuleCondition"], {"Fn::Equals": [{"Ref": "FrontDoor"}, "CLOUDFRONT"]})
        needed = [
            assertion["Assert"]["Fn::Not"][0]["Fn::Equals"][0]["Ref"]
            for assertion in rule["Assertions"]
        ]
        self.assertEqual(
            sorted(needed),
            [
                "CommonServiceCloudFrontCertificateArn",
                "CommonServiceDomain",
                "FrontDoorSecretName",
                "RegistrarServicesCloudFrontCertificateArn",
                "RegistrarServicesDomain",
            ],
        )


class On(unittest.TestCase):
    SIDES = ("CommonService", "RegistrarServices")

    def test_each_api_has_its_distribution(self):
        distributions = of_type(RESOURCES, "AWS::CloudFront::Distribution")
        self.assertEqual(set(distributions), {f"{side}FrontDoor" for side in self.SIDES})
        for side in self.SIDES:
            config = distribution(RESOURCES, side)
            # The alias is the API's custom domain name, since `Host` is passed on.
            self.assertEqual(config["Aliases"], [ON[f"{side}Domain"]])
            domain = RESOURCES[f"{side}DomainName"]["Properties"]
            self.assertEqual(domain["DomainName"], ON[f"{side}Domain"])
            [origin] = config["Origins"]
            self.assertEqual(
                origin["DomainName"], {"Fn::GetAtt": [f"{side}DomainName", "RegionalDomainName"]}
            )
            self.assertEqual(origin["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only")
            self.assertEqual(origin["CustomOriginConfig"]["OriginSSLProtocols"], ["TLSv1.2"])
            certificate = config["ViewerCertificate"]
            arn = ON[f"{side}CloudFrontCertificateArn"]
            self.assertEqual(certificate["AcmCertificateArn"], arn)
            self.assertEqual(certificate["SslSupportMethod"], "sni-only")

    def test_port_80_and_old_tls_are_for_the_anonymous_service_alone(self):
        def seen(resources, side):
            config = distribution(resources, side)
            return (
                config["DefaultCacheBehavior"]["ViewerProtocolPolicy"],
                config["ViewerCertificate"]["MinimumProtocolVersion"],
            )

        self.assertEqual(seen(RESOURCES, "CommonService"), ("allow-all", "TLSv1.2_2021"))
        self.assertEqual(seen(RESOURCES, "RegistrarServices"), ("https-only", "TLSv1.2_2021"))
        old, _ = stack(**ON, CommonServiceMinimumTls="TLSv1")
        self.assertEqual(seen(old, "CommonService"), ("allow-all", "TLSv1"))
        self.assertEqual(seen(old, "RegistrarServices"), ("https-only", "TLSv1.2_2021"))

    def test_nothing_is_cached_not_even_an_error(self):
        for side in self.SIDES:
            config = distribution(RESOURCES, side)
            # The managed policy CachingDisabled.
            policy = config["DefaultCacheBehavior"]["CachePolicyId"]
            self.assertEqual(policy, "4135ea2d-6df8-44a3-9df3-4b5a84be39ad")
            self.assertNotIn("CacheBehaviors", config)
            kept = {error["ErrorCode"]: error["ErrorCachingMinTTL"] for error in config["CustomErrorResponses"]}
            self.assertEqual(kept, {code: 0 for code in CACHED_ERRORS})
            for error in config["CustomErrorResponses"]:
                self.assertNotIn("ResponsePagePath", error)

    def test_a_request_is_not_sent_again_while_the_api_works_on_it(self):
        for side in self.SIDES:
            [origin] = distribution(RESOURCES, side)["Origins"]
            # API Gateway's own timeout.
            self.assertGreater(origin["CustomOriginConfig"]["OriginReadTimeout"], 30)

    def test_all_is_passed_on_and_what_the_functions_read_is_added(self):
        policy = RESOURCES["FrontDoorRequests"]["Properties"]["OriginRequestPolicyConfig"]
        self.assertEqual(policy["CookiesConfig"], {"CookieBehavior": "all"})
        self.assertEqual(policy["QueryStringsConfig"], {"QueryStringBehavior": "all"})
        headers = policy["HeadersConfig"]
        self.assertEqual(headers["HeaderBehavior"], "allViewerAndWhitelistCloudFront")
        code = (ROOT / "shared/src/front_door.rs").read_text()
        read = set(re.findall(r'pub const \w+: &str = "([a-z-]+)";', code))
        sent = {name.lower() for name in headers["Headers"]}
        for side in self.SIDES:
            config = distribution(RESOURCES, side)
            behavior = config["DefaultCacheBehavior"]
            self.assertEqual(behavior["OriginRequestPolicyId"], {"Ref": "FrontDoorRequests"})
            self.assertEqual(len(behavior["AllowedMethods"]), 7)
            self.assertIs(behavior["Compress"], False)
            [header] = config["Origins"][0]["OriginCustomHeaders"]
            self.assertEqual(sent | {header["HeaderName"].lower()}, read)

    def test_cloudfront_shows_one_secret_and_the_functions_accept_two(self):
        for side in self.SIDES:
            [header] = distribution(RESOURCES, side)["Origins"][0]["OriginCustomHeaders"]
            self.assertEqual(header["HeaderValue"], "{{resolve:secretsmanager:front-door-1}}")
        single, _ = stack(**{**ON, "FrontDoorOtherSecretName": ""})
        for function in BOTH:
            on = variables(RESOURCES, function)
            self.assertEqual(on["FRONT_DOOR"], "CLOUDFRONT")
            self.assertEqual(on["FRONT_DOOR_SECRET"], "{{resolve:secretsmanager:front-door-1}}")
            other = on["FRONT_DOOR_OTHER_SECRET"]
            self.assertEqual(other, "{{resolve:secretsmanager:front-door-2}}")
            self.assertEqual(variables(single, function)["FRONT_DOOR_OTHER_SECRET"], "")
        # CloudFormation reads the secrets, the functions do not.
        roles = json.dumps(of_type(RESOURCES, "AWS::IAM::Role"))
        self.assertNotIn("secretsmanager:", roles)

    def test_the_apis_own_endpoints_cannot_bypass_the_front_door(self):
        for side in self.SIDES:
            self.assertIs(endpoint_is_disabled(RESOURCES, f"{side}Api"), True)

    def test_dns_points_at_cloudfront_and_urls_use_the_custom_domains(self):
        for side in self.SIDES:
            target = OUTPUTS[f"{side}DomainTarget"]["Value"]
            self.assertEqual(target, {"Fn::GetAtt": [f"{side}FrontDoor", "DomainName"]})
            self.assertEqual(
                OFF_OUTPUTS.get(f"{side}DomainTarget"), None, "without a host name there is no record"
            )
        urls = json.dumps([output["Value"] for name, output in OUTPUTS.items() if name.endswith("Url")])
        self.assertNotIn("ApiEndpoint", urls)

    def test_a_web_acl_is_in_front_of_both_or_neither(self):
        without, _ = stack(**{**ON, "WebAclArn": ""})
        for side in self.SIDES:
            self.assertEqual(distribution(RESOURCES, side)["WebACLId"], ON["WebAclArn"])
            self.assertIsNone(distribution(without, side).get("WebACLId"))


if __name__ == "__main__":
    unittest.main()
