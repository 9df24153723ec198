//! The size of the binaries, stripped and zipped.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::{Error, RESET, UPDATE};

/// The limits, in bytes.
const MAX_STRIPPED: f64 = 5.7e6;
const MAX_ZIPPED: f64 = 2.65e6;

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
pub(super) fn measure(binaries: &Path) -> Result<(), Error> {
    println!("\nsize | stripped | share of the limit | zipped | share of the limit");
    for function in [RESET, UPDATE] {
        let binary = std::fs::read(binaries.join(function.binary))?;
        let mut zip = DeflateEncoder::new(Vec::new(), Compression::best());
        zip.write_all(&binary)?;
        let (stripped, zipped) = (bytes(binary.len())?, bytes(zip.finish()?.len())?);
        println!(
            "{} | {:.3} MB | {:.3} | {:.3} MB | {:.3}",
            function.binary,
            stripped / 1e6,
            stripped / MAX_STRIPPED,
            zipped / 1e6,
            zipped / MAX_ZIPPED,
        );
    }
    Ok(())
}

fn bytes(length: usize) -> Result<f64, Error> {
    Ok(f64::from(u32::try_from(length)?))
}
