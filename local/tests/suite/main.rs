//! The program as a process: what it prints, and how it stops.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running program.
struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    /// The output until it was ready.
    greeting: String,
    /// Its address.
    address: String,
}

impl Program {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["--memory", "--port", "0"])
            .args(arguments)
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("ready on ") {
            assert_ne!(out.read_line(&mut greeting).unwrap(), 0, "{greeting}");
        }
        let address = greeting.split("ready on http://").nth(1).unwrap();
        let address = address.split(['\n', '\x1b']).next().unwrap().to_owned();
        Self {
            child,
            out,
            greeting,
            address,
        }
    }

    /// Sends a request and returns the connection.
    fn request(&self, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// Whether an email has been sent.
    fn is_sent(&self) -> bool {
        let mut outbox = String::new();
        self.request("/outbox.json")
            .read_to_string(&mut outbox)
            .unwrap();
        outbox.contains("jdoe")
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits until it ends. Returns its exit code and what it has printed since the greeting.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const RESET: &str = "/webservices/IFCommonService.asmx/ResetUserPassword?username=jdoe";

/// A reset is answered after this time, which leaves time for a signal.
const FLOOR: (&str, &str) = ("RESPONSE_FLOOR_MS", "3000");

#[test]
fn signals_stop_the_program_after_running_requests() {
    for (signal, arguments) in [("-TERM", &[][..]), ("-INT", &["--front-door"])] {
        let program = Program::start(arguments, &[FLOOR]);
        let address = program.address.clone();
        let mut running = program.request(RESET);
        // Until the program has read the request.
        while !program.is_sent() {
            thread::sleep(Duration::from_millis(50));
        }
        program.signal(signal);
        while TcpStream::connect(&address).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
        let mut answer = String::new();
        running.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(
            program.ended(),
            (Some(0), "Stopped.\n".to_owned()),
            "{signal}"
        );
    }
}

#[test]
fn idle_connections_do_not_delay_the_end() {
    let program = Program::start(&[], &[]);
    let unused = TcpStream::connect(&program.address).unwrap();
    let mut kept_alive = TcpStream::connect(&program.address).unwrap();
    kept_alive
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let mut first = [0];
    kept_alive.read_exact(&mut first).unwrap();
    let signalled = Instant::now();
    program.signal("-TERM");
    assert_eq!(program.ended(), (Some(0), "Stopped.\n".to_owned()));
    // Running requests would get ten seconds.
    assert!(signalled.elapsed() < Duration::from_secs(9));
    drop(unused);
}

#[test]
fn the_greeting_names_the_pages_and_a_command_for_each_operation() {
    let program = Program::start(&[], &[("PRODUCT_NAME", "Joe's $Alarm")]);
    let Program {
        greeting, address, ..
    } = &program;
    let product = r"  export PRODUCT_NAME='Joe'\''s $Alarm' MAIL_FROM=";
    assert!(greeting.contains(product), "{greeting}");
    for expected in ["/\n", "/outbox\n", "/tables\n"] {
        assert!(
            greeting.contains(&format!("http://{address}{expected}")),
            "{greeting}"
        );
    }
    assert!(
        greeting.contains(&format!("curl 'http://{address}{RESET}'")),
        "{greeting}"
    );
    let update = format!("http://{address}/UpdateUserRegistrationPassword\n");
    assert!(greeting.contains(&update), "{greeting}");
    assert!(greeting.contains("\n  accounts list\n"), "{greeting}");
    assert!(greeting.contains("Press Ctrl-C to stop."), "{greeting}");
    let last = format!("\nready on http://{address}\n");
    assert!(greeting.ends_with(&last), "{greeting}");
}

#[test]
fn output_is_coloured_only_if_that_is_wanted() {
    // `CLICOLOR_FORCE` pretends that stdout is a terminal.
    let terminal = ("CLICOLOR_FORCE", "1");
    for (variables, expected) in [
        (&[][..], false),
        (&[terminal], true),
        (&[terminal, ("NO_COLOR", "1")], false),
    ] {
        let program = Program::start(&[], variables);
        let greeting = &program.greeting;
        assert_eq!(
            greeting.contains('\x1b'),
            expected,
            "{variables:?} {greeting}"
        );
    }
}

#[test]
fn errors_name_their_cause() {
    let event = concat!(env!("CARGO_TARGET_TMPDIR"), "/event.json");
    std::fs::write(event, "not JSON").unwrap();
    let invoke = ["--memory", "invoke", "reset-user-password"];
    let missing = [&invoke[..], &["nothing.json"]].concat();
    let invalid = [&invoke[..], &[event]].concat();
    for (arguments, code, expected) in [
        (
            missing,
            1,
            "nothing.json: cannot read the event: No such file",
        ),
        (invalid, 1, "event.json: not valid JSON: expected"),
        (
            vec!["--dynamodb", "nonsense"],
            2,
            "must be an http or https URL",
        ),
        (
            vec!["--port", "0", "--dynamodb", "http://127.0.0.1:1"],
            1,
            "DynamoDB did not answer: io error: client error (Connect): tcp connect error",
        ),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_local"));
        let ended = program.args(&arguments).output().unwrap();
        let error = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{arguments:?} {error}");
        assert!(error.contains(expected), "{arguments:?} {error}");
    }
}
