//! A fake DNS server with TXT records.

use std::net::SocketAddr;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::TXT;
use hickory_resolver::proto::rr::{RData, Record};
use tokio::net::UdpSocket;

/// Starts a server with these records, by fully qualified name. Other names do not exist.
pub(super) async fn start(records: &'static [(&'static str, &'static str)]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 4_096];
        while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
            let question = Message::from_vec(buffer.get(..length).unwrap()).unwrap();
            let answer = answer(&question, records).to_vec().unwrap();
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    address
}

fn answer(question: &Message, records: &[(&str, &str)]) -> Message {
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    answer.metadata.recursion_available = true;
    for query in &question.queries {
        answer.add_query(query.clone());
        let asked = query.name().to_utf8();
        let found = records.iter().filter(|(name, _)| *name == asked);
        let found: Vec<_> = found.collect();
        if found.is_empty() {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        for (_, text) in found {
            // Two strings of a record form one text (RFC 7208 section 3.3, RFC 9989).
            let (first, second) = text.split_at(text.len() / 2);
            let text = TXT::new(vec![first.to_owned(), second.to_owned()]);
            let record = Record::from_rdata(query.name().clone(), 60, RData::TXT(text));
            answer.add_answer(record);
        }
    }
    answer
}
