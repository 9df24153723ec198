//! The messages of the program on standard output. They are coloured on a terminal, unless
//! `NO_COLOR` is set.

use std::io::Write as _;
use std::net::SocketAddr;

use anstyle::{AnsiColor, Style};
use local::Backend;
use shared::mail::Brand;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const LINK: Style = AnsiColor::Cyan.on_default().underline();
const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Prints the URLs and commands for trying the services. The last line begins with `ready on`.
pub(crate) fn hello(url: &str, backend: &Backend, brand: &Brand, gateway: Option<SocketAddr>) {
    let (dynamodb, ses) = (&backend.dynamodb_url, &backend.ses_url);
    let tables = &backend.tables;
    let (users, audit) = (&tables.users, &tables.audit);
    let (brands, limits, sessions) = (&tables.brands, &tables.limits, &tables.sessions);
    let [product, from, support, login] = [
        &brand.product_name,
        &brand.from,
        &brand.support_contact,
        &brand.login_url,
    ]
    .map(|value| quoted(value));
    print(&format!(
        r#"{BOLD}Password services{BOLD:#}

  Try them   {LINK}{url}/{LINK:#}
  Outbox     {LINK}{url}/outbox{LINK:#}
  Tables     {LINK}{url}/tables{LINK:#}

{BOLD}Reset the password of jdoe{BOLD:#}, by default at most once a minute
  curl '{url}/webservices/IFCommonService.asmx/ResetUserPassword?username=jdoe'

{BOLD}Set the password of the customer a@example.com{BOLD:#} as an administrator
  curl -u admin:p@55wOrd -H 'Content-Type: application/json' -d '{{"Email":"a@example.com","NewPassword":"lamp-Sodium-4417","SendResetEmail":true}}' {url}/UpdateUserRegistrationPassword

{BOLD}List the accounts{BOLD:#} with the operators' command line (docs/accounts.md): run these lines in another terminal, in this folder, after each start; the first run prints nothing while it builds the program
  export USERS_TABLE={users} AUDIT_TABLE={audit} BRANDS_TABLE={brands} LIMITS_TABLE={limits} SESSIONS_TABLE={sessions}
  export PRODUCT_NAME={product} MAIL_FROM={from} SUPPORT_CONTACT={support} LOGIN_URL={login}
  accounts() {{ USER=${{USER:-demo}} cargo run -q -p accounts -- --endpoint {dynamodb} --ses-endpoint {ses} "$@"; }}
  accounts list
"#
    ));
    if let Some(gateway) = gateway {
        print(&format!(
            "Gateway (behind the front door; refuses direct calls): http://{gateway}"
        ));
    }
    print(&format!(
        "DynamoDB on {dynamodb}, SES on {ses}\n{DIM}Press Ctrl-C to stop.{DIM:#}\n{GOOD}ready on {url}{GOOD:#}"
    ));
}

/// Quotes a value for a POSIX shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Prints that the program has stopped.
pub(crate) fn goodbye() {
    print("Stopped.");
}

/// Prints a line on standard output. Ignores errors, since the reader may close the pipe.
fn print(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}
