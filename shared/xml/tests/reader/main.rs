//! Tests the strict reader rule by rule and compares it with another XML reader.

mod against_roxmltree;
mod oracle;
mod strictness;
