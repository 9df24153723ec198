//! The kinds of traffic, with their rates and calls.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use testkit::requests::basic;

use super::bodies;
use super::call::{Call, Expected, Target};
use super::people::{CUSTOMERS, FLOODED, HAMMERED, Network, UNTOUCHED, UPDATED, in_turn};
use crate::accounts::{email, username};
use crate::function::Error;

/// One kind of traffic.
pub(super) struct Lane {
    pub(super) name: &'static str,
    /// Calls per second.
    pub(super) rate: u32,
    /// The call with this number, starting at 0.
    pub(super) call: Box<dyn Fn(u64) -> Call + Send + Sync>,
}

impl Lane {
    fn new(
        name: &'static str,
        rate: u32,
        call: impl Fn(u64) -> Call + Send + Sync + 'static,
    ) -> Self {
        let call = Box::new(call);
        Self { name, rate, call }
    }
}

/// Resets below every limit.
pub(super) const RESETS: &str = "resets by customers";
/// Password changes by an administrator.
pub(super) const UPDATES: &str = "updates by an administrator";

/// All kinds of traffic.
pub(super) fn all() -> Result<Vec<Lane>, Error> {
    let resets = Resets::read()?;
    let (flood, hammer, strangers) = (resets.clone(), resets.clone(), resets.clone());
    Ok(vec![
        Lane::new(RESETS, 4, move |number| {
            resets.call(
                &username(in_turn(&CUSTOMERS, number)),
                customer(number),
                number,
            )
        }),
        updates()?,
        Lane::new("a flood from one source", 8, move |number| {
            let name = username(in_turn(&FLOODED, number));
            flood.call(&name, Network::Flood.host(1), number)
        }),
        Lane::new("one name from many sources", 3, move |number| {
            hammer.call(&username(HAMMERED), Network::Crowd.host(number), number)
        }),
        Lane::new("unknown names", 2, move |number| {
            let name = format!("nobody-{number}");
            strangers.call(&name, Network::Strangers.host(number), number)
        }),
        in_turns("hostile bodies", 4, bodies::calls()?),
        wrong_credentials()?,
        in_turns("foreign pages and hosts", 2, foreign()?),
        in_turns("sample events", 4, samples()?),
        in_turns("malformed events", 1, malformed_events()),
    ])
}

/// A call for a reset in each protocol.
#[derive(Clone)]
struct Resets([Call; 4]);

impl Resets {
    fn read() -> Result<Self, Error> {
        let sample = |name| Call::sample(Target::Reset, name);
        Ok(Self([
            sample("soap11")?,
            sample("soap12")?,
            sample("http-get")?,
            sample("http-post")?,
        ]))
    }

    fn call(&self, username: &str, source: Ipv4Addr, number: u64) -> Call {
        let protocol = in_turn(&(0..4), number / 3);
        let Self([soap11, soap12, get, post]) = self;
        let call = match protocol {
            0 => soap11,
            1 => soap12,
            2 => get,
            _ => post,
        };
        call.clone().replace("jdoe", username).from(source)
    }
}

/// A fifth of the customers use one portal, which makes 48 calls per minute. The others have eighty
/// sources.
fn customer(number: u64) -> Ipv4Addr {
    if number.is_multiple_of(5) {
        Network::Portal.host(1)
    } else {
        Network::Customers.host(number % 100)
    }
}

/// The password that the update with this number sets.
pub(super) fn chosen_password(number: u64) -> String {
    format!("lamp-Sodium-{number:04}")
}

fn updates() -> Result<Lane, Error> {
    let sample = Call::sample(Target::Update, "json")?;
    Ok(Lane::new(UPDATES, 1, move |number| {
        let account = in_turn(&UPDATED, number);
        let answer = format!(
            "{{\"Id\":{},\"DisplayName\":\"User {account}\",\"ResetEmailSent\":true}}",
            1_000 + account,
        );
        let call = sample.clone().replace("a@example.com", &email(account));
        call.replace("lamp-Sodium-4417", &chosen_password(number))
            .from(Network::Administrator.host(1))
            .answered(answer)
    }))
}

/// Guesses of the administrator's password and of others, from a few sources.
fn wrong_credentials() -> Result<Lane, Error> {
    let sample = Call::sample(Target::Update, "error-wrong-password")?;
    Ok(Lane::new("wrong credentials", 2, move |number| {
        let name = match number % 3 {
            0 => "admin".to_owned(),
            1 => username(in_turn(&UNTOUCHED, number)),
            _ => format!("nobody-{number}"),
        };
        let target = email(in_turn(&UNTOUCHED, number));
        let call = sample.clone().replace("a@example.com", &target);
        call.header("authorization", &basic(&format!("{name}:guess-{number}")))
            .from(Network::Guessers.host(number % 7))
    }))
}

/// Requests that a browser sends for a page of another site, with the right credential.
fn foreign() -> Result<Vec<Call>, Error> {
    let form = Call::sample(Target::Update, "error-cross-site")?;
    let json = Call::sample(Target::Update, "json")?;
    let expected = Expected::Part("\"statusCode\":403");
    let forbidden = |call| Call {
        expected: expected.clone(),
        ..call
    };
    let reset = Call::sample(Target::Reset, "soap11")?.replace("jdoe", "nobody-foreign");
    let calls = [
        form.replace(
            "a%40example.com",
            &email(UNTOUCHED.start).replace('@', "%40"),
        ),
        forbidden(json.clone().header("sec-fetch-site", "same-site")),
        forbidden(json.clone().header("origin", "null")),
        forbidden(
            json.clone()
                .header("origin", "https://evil.example")
                .header("host", "other.example"),
        ),
        forbidden(json.header("sec-fetch-site", "cross-site")),
        reset.clone().header("host", "evil.example"),
        reset.header("host", "evil.example,www.streetlightoutages.com"),
    ];
    Ok(calls
        .map(|call| call.replace("a@example.com", &email(UNTOUCHED.start)))
        .to_vec())
}

/// All sample events, except those whose result depends on earlier events or the configuration:
/// those of the schedule, a front door or a session.
fn samples() -> Result<Vec<Call>, Error> {
    let mut calls = Vec::new();
    for target in [Target::Reset, Target::Update] {
        for (name, call) in Call::samples(target)? {
            let is_scheduled =
                target == Target::Reset && ["scheduled", "self-test"].contains(&&*name);
            let is_of_session = ["login", "session"].iter().any(|part| name.contains(part))
                || call.event.to_string().contains("SESSION_ID");
            if !is_scheduled && !is_of_session && !name.starts_with("front-door-") {
                calls.push(call);
            }
        }
    }
    Ok(calls)
}

/// Events that neither the gateway nor the rules send.
fn malformed_events() -> Vec<Call> {
    let other = json!({ "source": "aws.s3", "detail-type": "Object Created", "detail": {} });
    let events = [
        json!({}),
        json!(null),
        json!("text"),
        json!([[], 1]),
        json!({ "Records": [] }),
        other,
    ];
    let both = [Target::Reset, Target::Update];
    let calls = both.into_iter().flat_map(|target| {
        events.iter().map(move |event| Call {
            target,
            event: Value::clone(event),
            expected: Expected::Error,
        })
    });
    calls.collect()
}

/// Makes these calls in turn, each from a different source.
#[expect(clippy::indexing_slicing, reason = "the turns are those of the calls")]
fn in_turns(name: &'static str, rate: u32, calls: Vec<Call>) -> Lane {
    let turns = 0..calls.len() as u64;
    Lane::new(name, rate, move |number| {
        let turn = usize::try_from(in_turn(&turns, number)).unwrap_or_default();
        calls[turn].clone().from(Network::Samples.host(number))
    })
}
