//! The strict reader: rule by rule, and against another reader.

mod against_roxmltree;
mod oracle;
mod strictness;
