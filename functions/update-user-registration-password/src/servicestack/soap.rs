//! Encoding of answers in SOAP envelopes, as in ServiceStack.

use http::StatusCode;
use xml::soap::{Fault, FaultCode, Version, encode_fault};

use super::contract::TYPES_NAMESPACE;
use super::data_contract::document;
use super::failure::Failure;
use super::rejection::Root;
use super::response_dto::ResponseDto;

/// The depth of the first child of Body in the document.
const DEPTH: usize = 3;

/// An answer in an envelope.
pub(super) struct SoapAnswer {
    pub(super) http_status: StatusCode,
    /// The `X-Status` header: the status that a failure has outside SOAP.
    pub(super) x_status: Option<StatusCode>,
    pub(super) body: String,
}

/// Writes the outcome of a call.
pub(super) fn encode_outcome<T: ResponseDto>(version: Version, outcome: &T) -> SoapAnswer {
    SoapAnswer {
        http_status: StatusCode::OK,
        x_status: None,
        body: envelope(version, "", &T::element(DEPTH, None, Some(outcome))),
    }
}

/// Writes a failure. A failure that a client can read from the response DTO has `X-Status` and is
/// HTTP 200, even for a wrong password. Only 403 and a 401 with a challenge (no credential, or an
/// unknown session) keep their status, which tells a client to send another credential. Failures
/// that it cannot read there are faults; the original never answered in these cases.
pub(super) fn encode_failure<T: ResponseDto>(version: Version, failure: &Failure) -> SoapAnswer {
    let status = failure.http_status;
    if status.is_server_error() || failure.root == Root::ErrorResponse {
        return fault(version, failure);
    }
    let header = format!(
        "<s:Header><X-Status xmlns=\"{TYPES_NAMESPACE}\">{}</X-Status></s:Header>",
        status.as_u16()
    );
    let dto = T::element(DEPTH, Some(&failure.status), None);
    let keeps_status = failure.challenge || status == StatusCode::FORBIDDEN;
    SoapAnswer {
        http_status: if keeps_status { status } else { StatusCode::OK },
        x_status: Some(status),
        body: envelope(version, &header, &dto),
    }
}

/// Makes a fault. The statuses are those of SOAP 1.1 section 6.2 and SOAP 1.2 part 2 section
/// 7.5.2.2.
fn fault(version: Version, failure: &Failure) -> SoapAnswer {
    let code = if failure.http_status.is_server_error() {
        FaultCode::Receiver
    } else {
        FaultCode::Sender
    };
    let http_status = match (version, code) {
        (Version::V12, FaultCode::Sender) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    SoapAnswer {
        http_status,
        x_status: None,
        body: encode_fault(version, &Fault::new(code, &*failure.status.message)),
    }
}

fn envelope(version: Version, header: &str, body: &str) -> String {
    document(&format!(
        "<s:Envelope xmlns:s=\"{}\">{header}<s:Body>{body}</s:Body></s:Envelope>",
        version.namespace()
    ))
}
