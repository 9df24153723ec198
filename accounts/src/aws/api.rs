//! Services that are called without an SDK client: their endpoints, and their names in environment
//! variables, IAM and signatures.

/// An AWS service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    CloudFormation,
    CloudWatch,
    Iam,
    Kms,
    Lambda,
    Sns,
}

impl Api {
    /// Returns the name for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CloudFormation => "CloudFormation",
            Self::CloudWatch => "CloudWatch",
            Self::Iam => "IAM",
            Self::Kms => "KMS",
            Self::Lambda => "Lambda",
            Self::Sns => "SNS",
        }
    }

    /// Returns the variable with the URL of a custom endpoint (AWS SDKs and Tools Reference Guide,
    /// "Service-specific endpoints").
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::CloudFormation => "AWS_ENDPOINT_URL_CLOUDFORMATION",
            Self::CloudWatch => "AWS_ENDPOINT_URL_CLOUDWATCH",
            Self::Iam => "AWS_ENDPOINT_URL_IAM",
            Self::Kms => "AWS_ENDPOINT_URL_KMS",
            Self::Lambda => "AWS_ENDPOINT_URL_LAMBDA",
            Self::Sns => "AWS_ENDPOINT_URL_SNS",
        }
    }

    /// Returns the prefix of the service's actions in IAM (Service Authorization Reference).
    pub(crate) fn iam_prefix(self) -> &'static str {
        match self {
            Self::CloudWatch => "cloudwatch",
            _ => self.signing_name(),
        }
    }

    /// Returns the name in signatures, which is also the first part of the host names.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::CloudFormation => "cloudformation",
            Self::CloudWatch => "monitoring",
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Lambda => "lambda",
            Self::Sns => "sns",
        }
    }

    /// Returns the version of the API, in the form that its protocol uses.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::CloudFormation => "2010-05-15",
            Self::CloudWatch => "GraniteServiceVersion20100801",
            Self::Iam => "2010-05-08",
            Self::Kms => "TrentService",
            Self::Lambda => "2015-03-31",
            Self::Sns => "2010-03-31",
        }
    }

    /// Returns the content type of the service's version of the AWS JSON protocol.
    pub(crate) fn json_type(self) -> &'static str {
        match self {
            Self::CloudWatch => "application/x-amz-json-1.0",
            _ => "application/x-amz-json-1.1",
        }
    }

    /// Returns the URL at AWS for a region.
    pub(crate) fn url(self, region: &str) -> String {
        let name = self.signing_name();
        match (self, partition(region)) {
            (Self::Iam, Partition::Aws) => "https://iam.amazonaws.com".to_owned(),
            (Self::Iam, Partition::China) => "https://iam.cn-north-1.amazonaws.com.cn".to_owned(),
            (Self::Iam, Partition::GovCloud) => "https://iam.us-gov.amazonaws.com".to_owned(),
            (_, Partition::China) => format!("https://{name}.{region}.amazonaws.com.cn"),
            _ => format!("https://{name}.{region}.amazonaws.com"),
        }
    }

    /// Returns the region in signatures. IAM has a single one per partition (IAM endpoints and
    /// quotas).
    pub(crate) fn signing_region(self, region: String) -> String {
        match (self, partition(&region)) {
            (Self::Iam, Partition::Aws) => "us-east-1".to_owned(),
            (Self::Iam, Partition::China) => "cn-north-1".to_owned(),
            (Self::Iam, Partition::GovCloud) => "us-gov-west-1".to_owned(),
            _ => region,
        }
    }
}

enum Partition {
    Aws,
    China,
    GovCloud,
}

fn partition(region: &str) -> Partition {
    match region.split('-').collect::<Vec<_>>().as_slice() {
        ["cn", ..] => Partition::China,
        ["us", "gov", ..] => Partition::GovCloud,
        _ => Partition::Aws,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_endpoints() {
        for (api, region, url, signed) in [
            (
                Api::CloudWatch,
                "eu-west-1",
                "https://monitoring.eu-west-1.amazonaws.com",
                "eu-west-1",
            ),
            (
                Api::Lambda,
                "cn-north-1",
                "https://lambda.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            (
                Api::Iam,
                "eu-west-1",
                "https://iam.amazonaws.com",
                "us-east-1",
            ),
            (
                Api::Iam,
                "cn-northwest-1",
                "https://iam.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
            ),
            (
                Api::Iam,
                "us-gov-east-1",
                "https://iam.us-gov.amazonaws.com",
                "us-gov-west-1",
            ),
            (
                Api::Sns,
                "us-gov-east-1",
                "https://sns.us-gov-east-1.amazonaws.com",
                "us-gov-east-1",
            ),
        ] {
            assert_eq!(api.url(region), url);
            assert_eq!(api.signing_region(region.to_owned()), signed);
        }
    }
}
