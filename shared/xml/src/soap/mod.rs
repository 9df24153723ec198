//! SOAP 1.1 (W3C note of 8 May 2000) and SOAP 1.2 (W3C recommendation of 27 April 2007): envelopes
//! and faults, read as a .NET server reads them and written as an ASP.NET server wrote them, byte
//! for byte.

mod envelope;
mod fault;
mod version;

pub use envelope::{Envelope, EnvelopeError, EnvelopeErrorKind};
pub use fault::{Fault, FaultCode, encode_envelope, encode_fault, encode_version_mismatch};
pub use version::Version;
