//! Bar charts.

use std::path::Path;

use plotters::prelude::*;

use super::Error;

const WIDTH: u32 = 860;
const ROW: u32 = 34;
/// The start of the bars and the length of the longest one, to the right of which is its label.
const LEFT: i32 = 210;
const LONGEST: f64 = 540.0;

/// A value and its labels.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) label: String,
}

/// Draws bars from top to bottom. The first one, which is ours, has a different colour.
pub(super) fn draw(title: &str, bars: &[Bar], path: &Path) -> Result<(), Error> {
    let rows = u32::try_from(bars.len())?;
    let area = SVGBackend::new(path, (WIDTH, ROW * (rows + 2))).into_drawing_area();
    area.fill(&WHITE)?;
    let text = ("sans-serif", 15);
    area.draw(&Text::new(title.to_owned(), (16, 14), ("sans-serif", 17)))?;
    let longest = bars
        .iter()
        .map(|bar| bar.value)
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut y = i32::try_from(ROW)? + 14;
    for (index, bar) in bars.iter().enumerate() {
        let colour = if index == 0 {
            RGBColor(9, 105, 218)
        } else {
            RGBColor(140, 149, 159)
        };
        #[expect(clippy::cast_possible_truncation, reason = "it is at most the width")]
        let right = LEFT + (bar.value / longest * LONGEST) as i32;
        area.draw(&Text::new(bar.name.clone(), (16, y + 4), text))?;
        let corners = [(LEFT, y), (right.max(LEFT + 1), y + 20)];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
        area.draw(&Text::new(bar.label.clone(), (right + 8, y + 4), text))?;
        y += i32::try_from(ROW)?;
    }
    area.present()?;
    Ok(())
}
