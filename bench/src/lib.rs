//! Benchmarks of whole functions. See `benches/`.
