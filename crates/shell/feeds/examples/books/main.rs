//! Raw messages to a book, measured, beside hftbacktest on the same file.
//!
//! ```sh
//! cargo run --release -p feeds --example books -- FILE.gz              # messages a second
//! cargo run --release -p feeds --example books -- FILE.gz --peer   # and hftbacktest's, its book
//! ```
//!
//! A file is one of Binance USD-M, `local_ts_ns raw_json` a line. Every message is read in full,
//! quotes and trades too; the clock starts with the unpacked bytes in memory. One thread, in the
//! CPU time of that thread where the system tells it, the median of nine turns. The peer gets a
//! Python environment of its own in `target/books-venv`, with the versions of `requirements.txt`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is for a person to read")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use feeds::message::Side;
use feeds::{Book, Decimal, State, Venue};

/// Times the whole file is read.
const TURNS: usize = 9;
/// The peer's steps of price and size for BTCUSDT at Binance USD-M.
const STEPS: (&str, &str) = ("0.1", "0.001");

type AnyError = Box<dyn std::error::Error>;

fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = "usage: books FILE.gz [--peer]";
    let file = arguments.iter().find(|a| !a.starts_with("--")).ok_or(usage)?;
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(file)?).read_to_end(&mut bytes)?;
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()).collect();
    let mut times = Vec::new();
    let mut book = Book::new();
    for _ in 0..TURNS {
        let began = cpu_s().unwrap_or_default();
        let wall = Instant::now();
        book = build(&lines)?;
        let wall = wall.elapsed().as_secs_f64();
        times.push(cpu_s().map_or(wall, |now| now - began));
    }
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "counts of a file are small")]
    let (count, size) = (lines.len() as f64, bytes.len() as f64);
    let rate = |time: f64| count / time;
    println!(
        "ours         {:>9.0} messages/s ({:.0} to {:.0}), {:.0} ns each, {:.0} MB/s, one core",
        rate(times[TURNS / 2]),
        rate(times[TURNS - 1]),
        rate(times[0]),
        times[TURNS / 2] / count * 1e9,
        size / times[TURNS / 2] / 1e6,
    );
    let levels = |side| book.levels(side).count();
    println!(
        "book         {} bids, {} asks, {:?}",
        levels(Side::Buy),
        levels(Side::Sell),
        book.state()
    );
    if arguments.iter().any(|argument| argument == "--peer") {
        peer(Path::new(file), &book)?;
    }
    Ok(())
}

fn build(lines: &[&[u8]]) -> Result<Book, AnyError> {
    let mut book = Book::new();
    for line in lines {
        let blank = line.iter().position(|byte| *byte == b' ').ok_or("a line without a time")?;
        for message in Venue::BinanceUsdm.parse(&line[blank + 1..])? {
            book.apply(&message);
        }
    }
    if book.state() == State::Live { Ok(book) } else { Err("a gap in the file".into()) }
}

/// Returns the seconds this thread has been on a CPU, where the system says.
fn cpu_s() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse::<f64>().ok().map(|ns| ns / 1e9)
}

/// Runs hftbacktest and compares its final book with ours, level by level.
fn peer(file: &Path, book: &Book) -> Result<(), AnyError> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/books");
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/books-venv");
    let python = environment(&place, &here.join("requirements.txt"))?;
    let output = Command::new(python)
        .arg(here.join("peer.py"))
        .arg(file)
        .args([STEPS.0, STEPS.1])
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("hftbacktest failed; its own words are above".into());
    }
    let text = String::from_utf8(output.stdout)?;
    let mut theirs = BTreeMap::new();
    for line in text.lines() {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["rate", rate] => println!("hftbacktest  {:>9.0} messages/s", rate.parse::<f64>()?),
            [side, price, size] => {
                theirs.insert((side == "bid", price.parse::<i128>()?), size.parse::<i128>()?);
            }
            _ => return Err(format!("not a line of peer.py: {line}").into()),
        }
    }
    let places = |step: &str| step.parse::<Decimal>().map(Decimal::scale);
    let (tick, lot) = (places(STEPS.0)?, places(STEPS.1)?);
    let mut ours = BTreeMap::new();
    for side in [Side::Buy, Side::Sell] {
        for level in book.levels(side) {
            let price = level.price.at_scale(tick).ok_or("a price between ticks")?;
            let size = level.size.at_scale(lot).ok_or("a size between lots")?;
            ours.insert((side == Side::Buy, price), size);
        }
    }
    let differing = ours.iter().filter(|(level, size)| theirs.get(level) != Some(size)).count();
    let missing = theirs.keys().filter(|level| !ours.contains_key(level)).count();
    println!(
        "comparison   {} levels of theirs, {differing} of ours differ, {missing} missing",
        theirs.len()
    );
    if differing + missing > 0 { Err("the books differ".into()) } else { Ok(()) }
}

/// Returns the Python of an environment with the peer; makes it unless it is there as required.
fn environment(place: &Path, requirements: &Path) -> Result<PathBuf, AnyError> {
    let python = place.join("bin/python");
    let stamp = place.join("installed.txt");
    let wanted = std::fs::read(requirements)?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let run = |command: &mut Command| -> Result<(), AnyError> {
        let good = command.status()?.success();
        if good { Ok(()) } else { Err(format!("{command:?} failed").into()) }
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    let mut install = Command::new(&python);
    run(install.args(["-m", "pip", "install", "--quiet", "--no-deps", "-r"]).arg(requirements))?;
    std::fs::write(stamp, wanted)?;
    Ok(python)
}
