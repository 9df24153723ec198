//! Model check of the reset protocol: every interleaving of two resets, an administrator's change,
//! a login and two sweeps on one account. SES may refuse any email, and time may pass between any
//! two steps: a process may be frozen between its email and the next step until long after its
//! reservation has ended. A process that crashes takes no further step, while the others continue.
//! The steps are those that the functions send to DynamoDB, applied in memory.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail this way"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::{self, Display, Formatter};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::thread;

use aws_sdk_dynamodb::types::AttributeValue;
use password::Secret;
use shared::clock::Timestamp;
use shared::users::protocol;
use shared::users::{Change, Pending, Postponement, Promotion, ResetMode, UsernameKey};
use testkit::diagram::assert_shown;

type Item = HashMap<String, AttributeValue>;

const RESERVATION: u64 = 60;
const DAY: u64 = 86_400;
const MOST_ATTEMPTS: u64 = 5;
/// The request of an earlier, failed reset.
const EARLIER: &str = "earlier";
/// The entry, in place of a password, for an email that says that an administrator's password is
/// valid.
const CORRECTION: &str = "correction";

/// An actor that changes the account. Its name is also its request id and its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Reset,
    Sweep,
    Admin,
    Login,
}

const ACTORS: [(&str, Role); 6] = [
    ("reset-1", Role::Reset),
    ("reset-2", Role::Reset),
    ("sweep-1", Role::Sweep),
    ("sweep-2", Role::Sweep),
    ("admin", Role::Admin),
    ("login", Role::Login),
];

/// The state of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Start,
    /// A sweep has read a failed reset: its request and the number of refusals of its email.
    Found(&'static str, u64),
    Reserved,
    Mailed,
    /// SES refused the email.
    Refused,
    /// An administrator's password came first, and the user has not been told yet.
    Overtaken,
    Corrected,
    Over,
}

/// The state of each actor, and the time at which it entered the state.
type Actors = [(At, u64); ACTORS.len()];

/// The item of the account, which most steps do not change.
#[derive(Debug)]
struct Stored {
    item: Item,
    /// The parts of the item that a step or a check uses.
    text: String,
    digest: u64,
}

impl Stored {
    fn new(item: Item) -> Arc<Self> {
        let text = sorted(&item);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let digest = hasher.finish();
        Arc::new(Self { item, text, digest })
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest && self.text == other.text
    }
}

impl Eq for Stored {}

impl Hash for Stored {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

/// The key of a state. Parts that no step and no check uses are left out.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    stored: Arc<Stored>,
    now: u64,
    actors: Actors,
    sent: BTreeSet<&'static str>,
    /// The last email, and whether its password was valid at some time.
    last: Option<(&'static str, bool)>,
    flags: [bool; 2],
}

#[derive(Debug, Clone)]
struct State {
    mode: ResetMode,
    stored: Arc<Stored>,
    now: u64,
    actors: Actors,
    /// Passwords of accepted emails, oldest first.
    mails: Vec<&'static str>,
    /// The ones among them that were valid at some time.
    promoted: BTreeSet<&'static str>,
    is_set_by_admin: bool,
    is_abandoned: bool,
}

#[test]
fn some_password_the_user_knows_verifies_in_every_state() {
    let starts = [ResetMode::Replace, ResetMode::Dual]
        .map(|mode| [0, MOST_ATTEMPTS - 1].map(|attempts| State::new(mode, attempts)));
    let searches = starts.map(|starts| thread::spawn(move || starts.map(explore)));
    let explored = searches.map(|search| search.join().unwrap()).concat();
    let counts: Vec<_> = explored.iter().map(|explored| explored.states).collect();
    println!("states: {counts:?}");
    // The check would be useless if the model did not branch.
    assert!(counts.iter().all(|count| *count > 10_000), "{counts:?}");

    let transitions = explored
        .into_iter()
        .flat_map(|explored| explored.transitions);
    assert_shown("reset-protocol", &diagram(transitions.collect()));
}

/// A step that changes the phase of the reset: both phases, and the step.
type Transition = (Phase, Phase, &'static str);

#[derive(Debug, Clone)]
struct Explored {
    states: usize,
    transitions: BTreeSet<Transition>,
}

/// Visits all reachable states.
fn explore(start: State) -> Explored {
    let mut seen = HashSet::from([start.key()]);
    let mut open = vec![start];
    let mut transitions = BTreeSet::new();
    while let Some(state) = open.pop() {
        state.check();
        for next in state.next() {
            transitions.extend(state.transition(&next));
            if seen.insert(next.key()) {
                open.push(next);
            }
        }
    }
    Explored {
        states: seen.len(),
        transitions,
    }
}

/// The phase of the reset of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// No reset is pending.
    None,
    Reserved,
    /// SES has accepted the email of the pending reset.
    Mailed,
    /// An administrator set a password after the reservation.
    Superseded,
}

impl Display for Phase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "[*]",
            Self::Reserved => "reserved",
            Self::Mailed => "mailed",
            Self::Superseded => "superseded",
        })
    }
}

/// A state diagram in Mermaid.
fn diagram(transitions: BTreeSet<Transition>) -> String {
    let mut arrows: BTreeMap<(Phase, Phase), Vec<&str>> = BTreeMap::new();
    for (from, to, step) in transitions {
        arrows.entry((from, to)).or_default().push(step);
    }
    let lines = arrows
        .into_iter()
        .map(|((from, to), steps)| format!("  {from} --> {to}: {}\n", steps.join(", ")));
    format!("stateDiagram-v2\n{}", lines.collect::<String>())
}

impl State {
    fn new(mode: ResetMode, attempts_before: u64) -> Self {
        let mut item = Item::from([
            ("username".to_owned(), text("u")),
            ("id".to_owned(), AttributeValue::N("1".to_owned())),
            ("email".to_owned(), text("u@example.com")),
            ("password_hash".to_owned(), text("old")),
        ]);
        if attempts_before > 0 {
            let failed = Secret::from(EARLIER);
            let change = protocol::reserve(
                &Pending {
                    username: &UsernameKey::new("u"),
                    hash: &failed,
                    request_id: EARLIER,
                    attempts: attempts_before,
                    requested_at: Timestamp(0),
                    expires_at: Timestamp(0),
                    due_at: Timestamp(0),
                    operator: None,
                },
                Timestamp(0),
            );
            assert!(change.apply(&mut item));
        }
        Self {
            mode,
            stored: Stored::new(item),
            now: 0,
            actors: [(At::Start, 0); ACTORS.len()],
            mails: Vec::new(),
            promoted: BTreeSet::new(),
            is_set_by_admin: false,
            is_abandoned: false,
        }
    }

    fn next(&self) -> Vec<Self> {
        let mut next = Vec::new();
        // Beyond a reservation, beyond every delay of the sweep, and beyond the lifetime of a
        // mailed password.
        let times = [RESERVATION, RESERVATION << MOST_ATTEMPTS, 2 * DAY];
        if let Some(later) = times.into_iter().find(|time| *time > self.now) {
            let mut state = self.clone();
            state.now = later;
            for index in 0..ACTORS.len() {
                if state.is_too_late(index) {
                    state.go(index, At::Over, 0);
                }
            }
            next.push(state);
        }
        next.extend((0..ACTORS.len()).flat_map(|index| self.steps(index)));
        next
    }

    /// Whether the reservation of an actor ended before its next step. The steps up to an email
    /// take less time than a reservation; later steps may be late.
    fn is_too_late(&self, index: usize) -> bool {
        let (at, began) = self.actors[index];
        let may_be_late = ACTORS[index].0.ends_with("-1")
            && matches!(at, At::Mailed | At::Refused | At::Corrected);
        at != At::Start && !may_be_late && self.now >= began + RESERVATION
    }

    /// The state after a login with the temporary password, if there is one.
    fn login(&self, index: usize) -> Option<Self> {
        let (hash, expires_at) = self.temporary()?;
        let (hash, expires_at) = (Secret::from(hash.as_str()), Timestamp(expires_at));
        let change = protocol::use_temporary(&hash, expires_at, Timestamp(self.now));
        let mut state = self.clone();
        assert!(state.make(&change));
        state.go(index, At::Over, self.now);
        Some(state)
    }

    /// The states after the next step of one actor.
    fn steps(&self, index: usize) -> Vec<Self> {
        let (name, role) = ACTORS[index];
        let (at, began) = self.actors[index];
        if at == At::Over || self.is_too_late(index) {
            return vec![];
        }
        // Two actors of the same kind differ only in their names, so the first one may always
        // begin.
        let is_second = name.ends_with("-2");
        if at == At::Start && is_second && self.actors[index - 1].0 == At::Start {
            return vec![];
        }
        let mut state = self.clone();
        match (at, role) {
            (At::Start, Role::Reset) => {
                let pending = (name, 0, self.now + RESERVATION);
                let is_reserved = state.hold(pending, protocol::reserve);
                state.go(
                    index,
                    if is_reserved { At::Reserved } else { At::Over },
                    self.now,
                );
            }
            (At::Start, Role::Sweep) => {
                let at = state
                    .failed()
                    .map_or(At::Over, |(id, attempts)| At::Found(id, attempts));
                state.go(index, at, self.now);
            }
            (At::Found(failed, attempts), _) if attempts >= MOST_ATTEMPTS || began >= DAY => {
                let change = protocol::abandon(failed, Timestamp(began));
                state.is_abandoned |= state.make(&change);
                state.go(index, At::Over, began);
            }
            (At::Found(failed, attempts), _) => {
                // The reset may be unreadable.
                let mut unreadable = self.clone();
                let change = protocol::dequeue(Timestamp(began));
                unreadable.is_abandoned |= unreadable.make(&change);
                unreadable.go(index, At::Over, began);
                state.now = began;
                let pending = (name, attempts, began + RESERVATION);
                let is_reserved = state.hold(pending, |pending, now| {
                    protocol::retry(pending, failed, now)
                });
                state.now = self.now;
                let at = match is_reserved {
                    true if state.is_superseded() => At::Overtaken,
                    true => At::Reserved,
                    false => At::Over,
                };
                state.go(index, at, began);
                return if is_second {
                    vec![state]
                } else {
                    vec![unreadable, state]
                };
            }
            (At::Reserved, _) => {
                let mut refused = self.clone();
                refused.go(index, At::Refused, began);
                state.mails.push(name);
                state.go(index, At::Mailed, began);
                return vec![refused, state];
            }
            (At::Mailed, _) => {
                let at = state.promote(name, began);
                state.go(index, at, began);
            }
            (At::Overtaken, _) => {
                let mut refused = self.clone();
                refused.go(index, At::Refused, began);
                state.mails.push(CORRECTION);
                state.go(index, At::Corrected, began);
                return vec![refused, state];
            }
            (At::Refused, _) => {
                state.postpone(name, began);
                state.go(index, At::Over, began);
            }
            (At::Corrected, _) => {
                state.make(&protocol::clear_superseded(name));
                state.go(index, At::Over, began);
            }
            (At::Start, Role::Admin) => {
                let change = protocol::set_password(
                    &Secret::from(name),
                    Some("u@example.com"),
                    Timestamp(self.now),
                );
                assert!(state.make(&change));
                state.is_set_by_admin = true;
                state.assert_verifies(name);
                state.go(index, At::Over, self.now);
            }
            (At::Start, Role::Login) => return self.login(index).into_iter().collect(),
            (At::Over, _) => return vec![],
        }
        vec![state]
    }

    /// The state of the actor after its promotion.
    fn promote(&mut self, name: &'static str, at: u64) -> At {
        let hash = Secret::from(name);
        let promotion = Promotion {
            hash: &hash,
            request_id: name,
            at: Timestamp(at),
            password_expires_at: Timestamp(at + DAY),
        };
        if self.make(&protocol::promote(&promotion, self.mode)) {
            self.promoted.insert(name);
            self.assert_verifies(name);
        } else if self.is_superseded() && self.request() == Some(name) {
            return At::Overtaken;
        }
        At::Over
    }

    /// Counts a refusal, unless another request has taken the reset over.
    fn postpone(&mut self, name: &str, at: u64) {
        let attempts = 1 + self.attempts().unwrap_or_default();
        let postponement = Postponement {
            request_id: name,
            attempts,
            due_at: Timestamp(at + (RESERVATION << (attempts - 1))),
        };
        self.make(&protocol::postpone(&postponement));
    }

    /// Applies a change if its condition holds. Returns whether it did.
    fn make(&mut self, change: &Change) -> bool {
        let mut item = self.stored.item.clone();
        let is_made = change.apply(&mut item);
        if is_made {
            self.stored = Stored::new(item);
        }
        is_made
    }

    fn go(&mut self, index: usize, at: At, began: u64) {
        let is_over = at == At::Over;
        self.actors[index] = (at, if is_over { 0 } else { began });
    }

    fn hold(
        &mut self,
        (name, attempts, due_at): (&str, u64, u64),
        change: impl FnOnce(&Pending<'_>, Timestamp) -> Change,
    ) -> bool {
        let hash = Secret::from(name);
        let pending = Pending {
            username: &UsernameKey::new("u"),
            hash: &hash,
            request_id: name,
            attempts,
            requested_at: Timestamp(0),
            expires_at: Timestamp(self.now + RESERVATION),
            due_at: Timestamp(due_at),
            operator: None,
        };
        self.make(&change(&pending, Timestamp(self.now)))
    }

    fn phase(&self) -> Phase {
        match self.request() {
            None => Phase::None,
            Some(_) if self.is_superseded() => Phase::Superseded,
            Some(request) if self.mails.contains(&request) => Phase::Mailed,
            Some(_) => Phase::Reserved,
        }
    }

    /// The transition to a next state, if the reset is then in another phase.
    fn transition(&self, next: &Self) -> Option<Transition> {
        let (from, to) = (self.phase(), next.phase());
        if from == to {
            return None;
        }
        let mut actors = self.actors.iter().zip(&next.actors).zip(ACTORS);
        let ((before, after), (_, role)) = actors.find(|((before, after), _)| before != after)?;
        let step = match (before.0, role) {
            (At::Start, Role::Reset) => "reserve",
            (At::Start, Role::Admin) => "set_password",
            (At::Found(..), _) if to != Phase::None => "retry",
            (At::Found(_, attempts), _) if attempts >= MOST_ATTEMPTS || before.1 >= DAY => {
                "abandon"
            }
            (At::Found(..), _) => "dequeue",
            (At::Reserved, _) => "SES accepts",
            (At::Mailed, _) => "promote",
            (At::Corrected, _) => "clear_superseded",
            other => panic!("{other:?} leads from {from} to {to} ({after:?})"),
        };
        Some((from, to, step))
    }

    fn is_superseded(&self) -> bool {
        self.stored.item.contains_key("reset_superseded")
    }

    /// The request of the pending reset.
    fn request(&self) -> Option<&'static str> {
        let reset = self.stored.item.get("reset")?.as_m().unwrap();
        let request = reset["request_id"].as_s().unwrap();
        let names = ACTORS.iter().map(|(name, _)| *name);
        let mut names = names.chain([EARLIER]);
        Some(names.find(|name| name == request).unwrap())
    }

    /// The number of refusals of its email.
    fn attempts(&self) -> Option<u64> {
        let reset = self.stored.item.get("reset")?.as_m().unwrap();
        Some(number(&reset["attempts"]))
    }

    /// The reset that a sweep finds, if it is due.
    fn failed(&self) -> Option<(&'static str, u64)> {
        let failed = (self.request()?, self.attempts()?);
        let due_at = number(&self.stored.item["reset_due_at"]);
        (due_at <= self.now).then_some(failed)
    }

    /// A temporary password that a login accepts.
    fn temporary(&self) -> Option<(String, u64)> {
        let temporary = self.stored.item.get("temporary")?.as_m().unwrap();
        let expires_at = number(&temporary["expires_at"]);
        let hash = temporary["hash"].as_s().unwrap().clone();
        (self.now < expires_at).then_some((hash, expires_at))
    }

    /// The stored password, unless it was mailed and has expired.
    fn stored(&self) -> Option<String> {
        let end = self.stored.item.get("password_expires_at").map(number);
        let is_expired = end.is_some_and(|end| end <= self.now);
        (!is_expired).then(|| self.stored.item["password_hash"].as_s().unwrap().clone())
    }

    /// The passwords that a login accepts.
    fn accepted(&self) -> BTreeSet<String> {
        let temporary = self.temporary().map(|(hash, _)| hash);
        self.stored().into_iter().chain(temporary).collect()
    }

    fn assert_verifies(&self, password: &str) {
        let is_mailed_too_early = self.now >= DAY;
        assert!(
            self.accepted().contains(password) || is_mailed_too_early,
            "{self:?}"
        );
    }

    fn check(&self) {
        let accepted = self.accepted();
        let is_known = |password: &String| {
            password == "old"
                || (password == "admin" && self.is_set_by_admin)
                || self.mails.contains(&password.as_str())
        };
        // A mailed password that has expired also counts as known: the login says that another
        // reset is needed.
        assert!(
            accepted.iter().any(is_known) || self.stored().is_none(),
            "{self:?}"
        );
        // No login succeeds with a password that was never mailed.
        assert!(accepted.iter().all(is_known), "{self:?}");

        let has = |name: &str| self.stored.item.contains_key(name);
        assert_eq!(has("reset"), has("reset_queue"), "{self:?}");
        assert_eq!(has("reset"), has("reset_due_at"), "{self:?}");

        if let Some(mail) = self.mails.last() {
            self.check_last_mail(mail, &accepted);
        }
    }

    /// The last email is correct, or was until an administrator or its expiry invalidated it, or
    /// the sweep will send another one.
    fn check_last_mail(&self, mail: &str, accepted: &BTreeSet<String>) {
        let was_true = self.promoted.contains(mail);
        let is_void = (was_true && self.is_set_by_admin) || self.now >= DAY;
        let comes_another = self.stored.item.contains_key("reset") || self.is_abandoned;
        let is_true = accepted.contains(mail) || mail == CORRECTION;
        assert!(is_true || is_void || comes_another, "{self:?}");
    }

    fn key(&self) -> Key {
        let last = self.mails.last();
        Key {
            stored: Arc::clone(&self.stored),
            now: self.now,
            actors: self.actors,
            sent: self.mails.iter().copied().collect(),
            last: last.map(|mail| (*mail, self.promoted.contains(mail))),
            flags: [self.is_set_by_admin, self.is_abandoned],
        }
    }
}

fn sorted(item: &Item) -> String {
    let is_looked_at = |name: &&String| {
        !["version", "password_changed_at", "sessions_valid_after"].contains(&name.as_str())
    };
    let mut parts: Vec<_> = item
        .iter()
        .filter(|(name, _)| is_looked_at(name))
        .map(|(name, value)| match value.as_m() {
            Ok(map) => format!("{name}:({})", sorted(map)),
            Err(_) => format!("{name}:{value:?}"),
        })
        .collect();
    parts.sort();
    parts.join(",")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: &AttributeValue) -> u64 {
    value.as_n().unwrap().parse().unwrap()
}
