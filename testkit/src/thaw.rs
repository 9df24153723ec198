//! Simulation of a process that Lambda froze until DynamoDB and SES had dropped its connections.

use shared::lambda::Handler;

use crate::relay::{Action, Call, Relays};

/// The services that have dropped the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DroppedBy {
    /// DynamoDB and SES.
    Both,
    /// DynamoDB alone.
    Dynamodb,
    /// SES alone.
    Ses,
}

impl DroppedBy {
    /// Every combination.
    pub const ALL: [Self; 3] = [Self::Both, Self::Dynamodb, Self::Ses];
}

/// Opens the connections of a function through these relays. From then on, the `dropped_by`
/// services answer on these connections with `reply`.
pub async fn thaw(
    function: &dyn Handler,
    relays: &Relays,
    (dropped_by, reply): (DroppedBy, Action),
) {
    function.init().await;
    let (dynamodb, ses) = (relays.dynamodb.connections(), relays.ses.connections());
    relays.script(move |call: &Call| {
        let (open, other) = if call.is_to_ses() {
            (ses, DroppedBy::Dynamodb)
        } else {
            (dynamodb, DroppedBy::Ses)
        };
        if call.connection < open && dropped_by != other {
            reply.clone()
        } else {
            Action::forward()
        }
    });
}
