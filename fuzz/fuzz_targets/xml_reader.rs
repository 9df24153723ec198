//! The strict reader accepts nothing that roxmltree refuses, and reads the same.

#![no_main]

#[path = "../../shared/xml/tests/oracle/mod.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|text: &str| oracle::agree(text));
