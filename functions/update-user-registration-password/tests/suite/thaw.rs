//! The first request after Lambda froze the process and DynamoDB and SES dropped its connections.

use http::StatusCode;
use serde_json::json;
use testkit::Sandbox;
use testkit::relay::{Action, Relays, Step};
use testkit::requests::set_password;
use testkit::thaw::{DroppedBy, thaw};

#[tokio::test]
async fn a_closed_connection_costs_a_new_one_and_no_back_off() {
    let backend = testkit::backend().await;
    for dropped_by in DroppedBy::ALL {
        for reply in [Action::HANG_UP, Action(vec![Step::Reset])] {
            let relays = Relays::start(&backend).unwrap();
            let service = Sandbox::on(relays.backend.clone(), &[]).unwrap();
            let function = &service.functions.update_user_registration_password;
            thaw(&**function, &relays, (dropped_by, reply)).await;
            relays.take_calls();
            let mails = backend.outbox.mails().len();
            let body = json!({ "Email": "a@example.com", "NewPassword": "lamp-Sodium-4417", "SendResetEmail": true });
            let answer = service.send(&set_password("admin:p@55wOrd", &body)).await;
            assert_eq!(answer.status(), StatusCode::OK, "{answer:?}");
            assert_eq!(backend.outbox.mails().len(), mails + 1);
            let calls = relays.take_calls();
            assert!(!calls.iter().any(|call| call.is_retry), "{calls:?}");
        }
    }
}
