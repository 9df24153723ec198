//! The strict reader accepts what roxmltree accepts, and reads the same.

#![no_main]

#[path = "../../shared/xml/tests/reader/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|text: &str| oracle::agree(text));
