//! Encoding of answers in every format.

use askama::Template;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

use shared::http::{PagePolicy, page};
use xml::soap::Version;

use super::data_contract::{document, error_response_element};
use super::failure::Failure;
use super::format::{Format, ResponseFormat};
use super::plain;
use super::rejection::{Rejection, Root};
use super::response_dto::ResponseDto;
use super::soap;
use super::value::{JsonStyle, Value};
use crate::error::Error;

const CHALLENGE: &str = "basic realm=\"/auth/basic\"";

/// An answer to a request, independent of its format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply<T> {
    result: Result<T, Failure>,
    /// Headers in addition to those of the format.
    headers: HeaderMap,
}

impl<T: ResponseDto> From<Result<T, Error>> for Reply<T> {
    fn from(result: Result<T, Error>) -> Self {
        Self::new(result.map_err(|error| T::failure(error.into())))
    }
}

impl<T: ResponseDto> From<Rejection> for Reply<T> {
    fn from(rejection: Rejection) -> Self {
        Self::new(Err(T::failure(rejection.into())))
    }
}

/// Makes the answer to a request whose handler panicked.
#[must_use]
pub fn server_fault<T: ResponseDto>(response_format: &ResponseFormat) -> Response<String> {
    Reply::<T>::new(Err(Failure::internal())).encode(response_format)
}

impl<T: ResponseDto> Reply<T> {
    fn new(result: Result<T, Failure>) -> Self {
        Self {
            result,
            headers: HeaderMap::new(),
        }
    }

    /// Sets the headers of the answer, in addition to those of its format.
    #[must_use]
    pub fn with_headers(self, headers: HeaderMap) -> Self {
        Self { headers, ..self }
    }

    /// Writes the response.
    #[must_use]
    pub fn encode(&self, response_format: &ResponseFormat) -> Response<String> {
        if let Err(failure) = &self.result
            && failure.root == Root::PlainText
        {
            let mut response = plain::text_page(failure.http_status, &failure.status.message);
            let vary = HeaderValue::from_static("Accept");
            response.headers_mut().insert(header::VARY, vary);
            return response;
        }
        if let Some(version) = response_format.envelope {
            return self.soap(version, response_format);
        }
        let mut response = match response_format.format {
            Format::Json => Response::new(self.value().json(self.style(response_format))),
            Format::Xml => Response::new(self.xml()),
            Format::Jsv => Response::new(self.value().jsv(self.style(response_format))),
            Format::Csv => Response::new(self.value().csv()),
            Format::Html => self.page(),
        };
        *response.status_mut() = self
            .result
            .as_ref()
            .map_or_else(|failure| failure.http_status, |_| StatusCode::OK);
        self.set_headers(response_format, response.headers_mut());
        response
    }

    fn set_headers(&self, response_format: &ResponseFormat, headers: &mut HeaderMap) {
        headers.extend(self.headers.clone());
        headers.insert(header::VARY, HeaderValue::from_static("Accept"));
        if let Ok(content_type) = response_format.content_type.parse() {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        if response_format.format == Format::Csv
            && self.result.is_ok()
            && let Ok(name) = format!("attachment;filename={}.csv", T::REQUEST).parse()
        {
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
        let Err(failure) = &self.result else {
            return;
        };
        if failure.challenge {
            let challenge = HeaderValue::from_static(CHALLENGE);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(verbs) = failure.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(verbs));
        }
    }

    /// The options of JSON and JSV. ServiceStack ignores `jsconfig` in errors of its pipeline.
    fn style(&self, response_format: &ResponseFormat) -> JsonStyle {
        match &self.result {
            Err(failure) if failure.root != Root::ResponseDto => JsonStyle::default(),
            _ => response_format.json_style,
        }
    }

    fn value(&self) -> Value {
        match &self.result {
            Ok(outcome) => T::value(T::success(), Some(outcome)),
            Err(failure) if failure.root == Root::ResponseDto => {
                T::value((&failure.status).into(), None)
            }
            Err(failure) => Value::Object(vec![("ResponseStatus", (&failure.status).into())]),
        }
    }

    fn xml(&self) -> String {
        document(&match &self.result {
            Ok(outcome) => T::element(1, None, Some(outcome)),
            Err(failure) => match failure.root {
                Root::ResponseDto | Root::ResponseDtoInXml => {
                    T::element(1, Some(&failure.status), None)
                }
                Root::ErrorResponse | Root::PlainText => error_response_element(&failure.status),
            },
        })
    }

    fn soap(&self, version: Version, response_format: &ResponseFormat) -> Response<String> {
        let answer = match &self.result {
            Ok(outcome) => soap::encode_outcome(version, outcome),
            Err(failure) => soap::encode_failure::<T>(version, failure),
        };
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.http_status;
        let headers = response.headers_mut();
        self.set_headers(response_format, headers);
        if let Some(status) = answer.x_status {
            headers.insert("x-status", status.as_u16().into());
        }
        response
    }

    /// Makes an HTML page with the members of the answer, for people who call the service from a
    /// browser.
    fn page(&self) -> Response<String> {
        page(
            &ReplyPage {
                request: T::REQUEST,
                rows: self.value().rows(),
            },
            PagePolicy::Styled,
        )
    }
}

#[derive(Template)]
#[template(path = "reply.html")]
struct ReplyPage {
    request: &'static str,
    rows: Vec<(&'static str, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Outcome;

    #[test]
    fn errors_of_the_pipeline_ignore_jsconfig() {
        let format = ResponseFormat {
            json_style: JsonStyle {
                camel_case: true,
                ..JsonStyle::default()
            },
            ..ResponseFormat::new(Format::Json)
        };
        for (rejection, member) in [
            (Rejection::CrossSite, "\"responseStatus\":{\"errorCode\":"),
            (Rejection::TooLong, "\"ResponseStatus\":{\"ErrorCode\":"),
        ] {
            let response = Reply::<Outcome>::from(rejection).encode(&format);
            let body = response.body();
            assert!(body.contains(member), "{body}");
        }
    }
}
