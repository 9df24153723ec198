//! Compares the strict reader with roxmltree: both must accept the same documents and read the same
//! contents.

#![no_main]

#[path = "../../shared/xml/tests/reader/oracle.rs"]
mod oracle;

libfuzzer_sys::fuzz_target!(|text: &str| oracle::agree(text));
