//! The chart of the cost per byte.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

/// The cost per byte of messages of one shape.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// Sizes in KiB, the shortest first, and nanoseconds per byte.
    pub(crate) points: Vec<(u32, f64)>,
}

impl Line {
    /// The ratio of the cost per byte of the longest message to that of a message of `short` KiB.
    pub(crate) fn growth(&self, short: u32) -> f64 {
        let cost = |wanted| {
            let point = self.points.iter().find(|(size, _)| *size == wanted);
            point.map_or(f64::NAN, |(_, cost)| *cost)
        };
        let longest = self.points.last().map_or(0, |(size, _)| *size);
        cost(longest) / cost(short)
    }
}

/// Draws lines with logarithmic axes for sizes and costs.
pub(crate) fn draw(lines: &[Line], path: &Path) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let last = points().map(|(size, _)| *size).max().unwrap_or(1);
    let highest = points().map(|(_, cost)| *cost).fold(1.0, f64::max);

    let area = SVGBackend::new(path, (860, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .margin_right(220)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d((1..last).log_scale(), (0.1..highest * 1.5).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("size of the message, KiB")
        .y_desc("CPU time per byte, ns")
        .label_style(("sans-serif", 14))
        .draw()?;
    // Next to the chart, where plotters' own legend would be clipped.
    for ((index, line), y) in lines.iter().enumerate().zip((24..).step_by(20)) {
        let colour = Palette99::pick(index).stroke_width(2);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), colour))?;
        area.draw(&PathElement::new([(660, y), (678, y)], colour))?;
        area.draw(&Text::new(line.name, (686, y - 6), ("sans-serif", 14)))?;
    }
    area.present()?;
    Ok(())
}
