//! Mermaid diagrams in docs/architecture.md, which tests draw from what the program does.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Tests of one process may update the page at the same time.
static PAGE: Mutex<()> = Mutex::new(());

/// Checks that the page shows this diagram in the block after `<!-- diagram: NAME -->`. With the
/// environment variable `UPDATE_DIAGRAMS`, writes it there instead.
///
/// # Panics
/// If the page shows another diagram, or has no such block.
#[expect(clippy::expect_used, reason = "a test fails by panicking")]
pub fn assert_shown(name: &str, diagram: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    let _guard = PAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let page = std::fs::read_to_string(&path).expect("the page can be read");
    let opening = format!("<!-- diagram: {name} -->\n```mermaid\n");
    let (before, rest) = page.split_once(&opening).expect("the page has the block");
    let (shown, after) = rest.split_once("```\n").expect("the block ends");
    if std::env::var_os("UPDATE_DIAGRAMS").is_some() {
        let page = [before, &opening, diagram, "```\n", after].concat();
        std::fs::write(&path, page).expect("the page can be written");
    } else {
        assert_eq!(shown, diagram, "docs/pictures/make updates {name}");
    }
}
