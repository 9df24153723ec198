//! The cost of XML: decoding the sample requests and encoding their answers, as a ratio to reading
//! the same bytes with quick-xml alone; and the cost per byte of messages of every size and of
//! malicious shapes, which must not grow with the size.
//!
//! `cargo bench -p bench --bench xml` fails if either is too high, and draws
//! `docs/pictures/xml.svg`. The compared tasks alternate, and times are CPU times, so that both
//! have the same noise.

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::cast_precision_loss, reason = "no number here is near 2^53")]

mod message;
mod plot;

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use nix::time::ClockId;
use quick_xml::events::Event;
use quick_xml::{NsReader, Reader};
use reset_user_password::asmx::{self, Protocols};
use reset_user_password::operation::Accepted;
use xml::soap::Version;

use message::{Message, SHAPES};
use plot::Line;

type Error = Box<dyn std::error::Error>;

/// The maximum ratio of decoding and encoding to reading with quick-xml.
const MAX_RATIO: f64 = 2.0;
/// The maximum ratio of the cost per byte of the longest message to that of a short message.
const MAX_GROWTH: f64 = 2.0;
/// The size of the short message in [`MAX_GROWTH`]. In shorter ones, the fixed parts dominate, and
/// there is no room for the maximum number of namespaces.
const SHORT_KIB: u32 = 16;
/// The sizes, up to the maximum length of a body.
const SIZES_KIB: [u32; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const PICTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pictures/xml.svg");

fn main() -> Result<(), Error> {
    let mut criterion = Criterion::default().configure_from_args();
    let are_samples_fast = samples(&mut criterion);
    let are_shapes_linear = shapes(&mut criterion)?;
    criterion.final_summary();
    if !are_samples_fast {
        let text = format!("a sample request takes more than {MAX_RATIO} times quick-xml's time");
        return Err(text.into());
    }
    if !are_shapes_linear {
        let text = format!("a byte costs more than {MAX_GROWTH} times as much in a long message");
        return Err(text.into());
    }
    Ok(())
}

/// Whether the sample requests are within [`MAX_RATIO`].
fn samples(criterion: &mut Criterion) -> bool {
    let mut group = criterion.benchmark_group("sample");
    let mut is_fast = true;
    let mut rows =
        vec!["message | decode and encode | NsReader | ratio | Reader | ratio".to_owned()];
    for version in Version::ALL {
        let message = Message::sample(version);
        let name = message.binding.name();
        let times = medians(
            &mut group,
            BenchmarkId::from_parameter(name),
            [
                &|| decode_and_encode(&message),
                &|| walk_with_namespaces(&message.text),
                &|| walk(&message.text),
            ],
        );
        let Some([ours, with_namespaces, without]) = times else {
            continue;
        };
        is_fast &= ours / with_namespaces <= MAX_RATIO;
        rows.push(format!(
            "{name} | {ours:.0} ns | {with_namespaces:.0} ns | {:.2} | {without:.0} ns | {:.2}",
            ours / with_namespaces,
            ours / without,
        ));
    }
    group.finish();
    println!("{}", rows.join("\n"));
    is_fast
}

/// Whether every shape is within [`MAX_GROWTH`].
fn shapes(criterion: &mut Criterion) -> Result<bool, Error> {
    let mut group = criterion.benchmark_group("shape");
    group
        .sample_size(20)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    let mut lines = Vec::new();
    for shape in &SHAPES {
        let mut points = Vec::new();
        for kib in SIZES_KIB {
            let message = Message::shaped(shape, kib as usize * 1024);
            group.throughput(Throughput::Bytes(message.text.len() as u64));
            let id = BenchmarkId::new(shape.name, kib);
            let times = medians(&mut group, id, [&|| decode_and_encode(&message)]);
            points.extend(times.map(|[time]| (kib, time / message.text.len() as f64)));
        }
        lines.push(Line {
            name: shape.name,
            points,
        });
    }
    group.finish();
    if lines.iter().any(|line| line.points.len() < SIZES_KIB.len()) {
        // Only some shapes were requested.
        return Ok(true);
    }

    println!("ns per byte | {SIZES_KIB:?} KiB | growth from {SHORT_KIB} KiB");
    let mut is_linear = true;
    for line in &lines {
        let costs: Vec<_> = line
            .points
            .iter()
            .map(|(_, cost)| format!("{cost:.1}"))
            .collect();
        let growth = line.growth(SHORT_KIB);
        is_linear &= growth <= MAX_GROWTH;
        println!("{} | {} | {growth:.2}", line.name, costs.join(" "));
    }
    plot::draw(&lines, Path::new(PICTURE))?;
    Ok(is_linear)
}

/// The time of each of `works`, in nanoseconds; criterion reports the first one. `None` if
/// criterion skips it.
fn medians<const N: usize>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    works: [&dyn Fn(); N],
) -> Option<[f64; N]> {
    let mut samples = [const { Vec::new() }; N];
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|iterations| {
            let times = works.map(|work| cpu_time(iterations, work));
            for (samples, time) in samples.iter_mut().zip(times) {
                samples.push(time.as_secs_f64() * 1e9 / iterations as f64);
            }
            times.first().copied().unwrap_or_default()
        });
    });
    let is_measured = samples.iter().all(|samples| !samples.is_empty());
    is_measured.then(|| samples.map(median))
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}

fn cpu_time(iterations: u64, work: &dyn Fn()) -> Duration {
    // All Linux systems have this clock.
    let now = || {
        let now = ClockId::CLOCK_THREAD_CPUTIME_ID.now();
        now.map_or(Duration::ZERO, Duration::from)
    };
    let before = now();
    for _ in 0..iterations {
        work();
    }
    now().saturating_sub(before)
}

fn decode_and_encode(message: &Message) {
    let call = asmx::decode(Protocols::ALL, message.binding, black_box(&message.request));
    let result = call.map(|call| {
        black_box(&call.input);
        asmx::encode(call.binding, &Ok(Accepted))
    });
    assert!(black_box(result).is_ok(), "a message is refused");
}

fn walk_with_namespaces(text: &str) {
    let mut reader = NsReader::from_str(black_box(text));
    while !matches!(
        black_box(reader.read_resolved_event()),
        Ok((_, Event::Eof)) | Err(_)
    ) {}
}

fn walk(text: &str) {
    let mut reader = Reader::from_str(black_box(text));
    while !matches!(black_box(reader.read_event()), Ok(Event::Eof) | Err(_)) {}
}
