//! The rules of XML, one row each.
