//! Chooses the engine's constants for the replay of March 2020 on the hours before, and prints
//! them: `cargo run --release -p backtest --example choose -- DIR`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to people")]

use std::process::ExitCode;

use market::Date;

fn main() -> ExitCode {
    let Some(dir) = std::env::args().nth(1) else {
        eprintln!("give the folder of the hourly bars of 2017 to 2020");
        return ExitCode::FAILURE;
    };
    match choose(dir.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn choose(dir: std::path::PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let crash = backtest::CRASHES.iter().find(|crash| crash.name == "mar-2020");
    let crash = crash.ok_or("there is no such crash")?;
    let before_s = crash.fitted.parse::<Date>()?.next().unix();
    let hole_s = 3_600 * i64::try_from(crash.holes_h)?;
    let series = feeds::open_part(&[dir], feeds::Part { before_s, hole_s })?;
    for series in &series {
        println!("{}: {} bars", series.name(), series.bars.len());
    }
    let chosen =
        backtest::choose::choose(&series, crash.holes_h, &mut |doing| eprintln!("{doing}"))?;
    for step in &chosen.steps {
        println!("{step}");
    }
    println!("{} configurations tried; prior times {}", chosen.tried, chosen.shrinkage);
    println!("{:#?}", chosen.tail);
    Ok(())
}
