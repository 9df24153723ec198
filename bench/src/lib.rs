//! Benchmarks of whole functions; see `benches/`.
