//! SOAP 1.1 and 1.2: errors that the original did not answer, and the description of the service.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Bytes;
use http::{HeaderMap, Method, Request, Response};
use shared::lambda;
use testkit::Sandbox;
use testkit::requests::basic;
use xml::soap::Version;
use xml::{Node, Reader};

const REQUEST_TYPE: &str =
    "Registrar.Model.Model.Transactions.UserRegistration.UpdateUserRegistrationPasswordRequest";
const DTO_NAMESPACE: &str =
    "http://schemas.datacontract.org/2004/07/Registrar.Model.Model.Transactions.UserRegistration";

fn path(version: Version) -> &'static str {
    match version {
        Version::V11 => "/soap11",
        Version::V12 => "/soap12",
    }
}

fn envelope(version: Version, body: &str) -> String {
    let namespace = version.namespace();
    format!("<s:Envelope xmlns:s=\"{namespace}\"><s:Body>{body}</s:Body></s:Envelope>")
}

fn dto(members: &str) -> String {
    let name = "UpdateUserRegistrationPasswordRequest";
    format!("<{name} xmlns=\"{DTO_NAMESPACE}\">{members}</{name}>")
}

async fn call(
    sandbox: &Sandbox,
    version: Version,
    credential: &str,
    body: &str,
) -> Response<String> {
    let request = Request::post(path(version))
        .header("authorization", basic(credential))
        .header("content-type", "text/xml; charset=utf-8")
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    let response = sandbox.send(&request).await;
    response.map(|body| String::from_utf8(body.to_vec()).unwrap())
}

/// A fault in either version.
fn fault(version: Version, code: [&str; 2], reason: &str) -> String {
    let head = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><soap:Envelope xmlns:soap=\"{}\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><soap:Body><soap:Fault>",
        version.namespace()
    );
    let [code11, code12] = code;
    let inside = match version {
        Version::V11 => format!(
            "<faultcode>soap:{code11}</faultcode><faultstring>{reason}</faultstring><detail />"
        ),
        Version::V12 => format!(
            "<soap:Code><soap:Value>soap:{code12}</soap:Value></soap:Code><soap:Reason>\
             <soap:Text xml:lang=\"en\">{reason}</soap:Text></soap:Reason><soap:Detail />"
        ),
    };
    format!("{head}{inside}</soap:Fault></soap:Body></soap:Envelope>")
}

#[tokio::test]
async fn invalid_calls_are_faults_of_the_sender() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    let before = sandbox.user("jdoe").await.unwrap();
    let whole = dto("<Email>a@example.com</Email><NewPassword>lamp-Sodium-4417</NewPassword>");
    for (version, other, status) in [
        (Version::V11, Version::V12, 500),
        (Version::V12, Version::V11, 400),
    ] {
        let media_type = version.media_type();
        let unreadable =
            format!("Could not deserialize '{media_type}' request using {REQUEST_TYPE}'");
        let unknown = |name| format!("The operation '{name}' does not exist for this service");
        for (body, reason) in [
            (String::new(), unreadable.clone()),
            (whole.clone(), unreadable.clone()),
            (envelope(version, ""), unreadable.clone()),
            (envelope(other, &whole), unreadable.clone()),
            (
                envelope(version, &whole).replace("</s:Envelope>", ""),
                unreadable.clone(),
            ),
            (envelope(version, &whole) + "<x/>", unreadable.clone()),
            (
                envelope(version, &dto("<SendResetEmail>x</SendResetEmail>")),
                unreadable.clone(),
            ),
            (
                envelope(version, &whole.replace(DTO_NAMESPACE, "urn:x")),
                unreadable.clone(),
            ),
            (envelope(version, "<Nope xmlns='urn:x'/>"), unknown("Nope")),
        ] {
            let response = call(&sandbox, version, "admin:p@55wOrd", &body).await;
            assert_eq!(response.status(), status, "{body}");
            let expected = fault(version, ["Client", "Sender"], &reason);
            assert_eq!(response.body(), &expected, "{body}");
        }
    }
    assert_eq!(sandbox.user("jdoe").await.unwrap(), before);
}

#[tokio::test]
async fn a_wrong_password_can_be_read_from_the_response_dto() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for version in Version::ALL {
        let body = envelope(version, &dto("<Email>a@example.com</Email>"));
        let response = call(&sandbox, version, "admin:wrong", &body).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-status"], "401");
        let header = "<s:Header><X-Status xmlns=\"http://schemas.servicestack.net/types\">401";
        assert!(response.body().contains(header), "{}", response.body());
        let status = "<d4p1:ErrorCode>Unauthorized</d4p1:ErrorCode>\
                      <d4p1:Message>Invalid UserName or Password</d4p1:Message>";
        assert!(response.body().contains(status), "{}", response.body());
    }
}

#[tokio::test]
async fn a_bug_is_a_fault_of_the_receiver() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for version in Version::ALL {
        let (post, headers) = (Method::POST, HeaderMap::new());
        let request = lambda::Request::new(post, path(version), headers, vec![]);
        let function = &sandbox.functions.update_user_registration_password;
        let response = function.fault(&request);
        assert_eq!(response.status(), 500);
        let reason = "The service is temporarily unable to process the request";
        let expected = fault(version, ["Server", "Receiver"], reason);
        assert_eq!(response.body(), &expected);
    }
}

async fn get(sandbox: &Sandbox, uri: &str) -> String {
    let request = Request::get(uri)
        .header("host", "regapi.example.com")
        .body(Bytes::new())
        .unwrap();
    let response = sandbox.send(&request).await;
    assert_eq!(response.status(), 200, "{uri}");
    assert_eq!(response.headers()["content-type"], "text/xml", "{uri}");
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    let mut reader = Reader::new(&text);
    while reader.next_node().unwrap() != Node::Eof {}
    text
}

/// Every referenced type and element is declared.
#[tokio::test]
async fn the_description_is_complete() {
    let sandbox = Sandbox::start(&[]).await.unwrap();
    for (uri, address) in [
        (
            "/soap11",
            "<soap:address location=\"http://regapi.example.com/soap11\" />",
        ),
        (
            "/SOAP12?wsdl",
            "<soap12:address location=\"http://regapi.example.com/soap12\" />",
        ),
    ] {
        let wsdl = get(&sandbox, uri).await;
        assert!(wsdl.contains(address), "{wsdl}");
        for number in 0..5 {
            let schema = get(&sandbox, &format!("/metadata?xsd={number}")).await;
            let (_, schema) = schema.split_once("?>").unwrap();
            assert!(wsdl.contains(schema), "{number}");
        }
        let imports = wsdl.split("<xs:import namespace=\"").skip(1);
        for import in imports {
            let (namespace, _) = import.split_once('"').unwrap();
            let target = format!("targetNamespace=\"{namespace}\"");
            assert!(wsdl.contains(&target), "{namespace}");
        }
        for reference in wsdl.split("type=\"").skip(1) {
            let (name, _) = reference.split_once('"').unwrap();
            let (prefix, local) = name.split_once(':').unwrap();
            let declared = wsdl.contains(&format!("Type name=\"{local}\""));
            assert!(declared || ["xs", "svc"].contains(&prefix), "{name}");
        }
    }
}
