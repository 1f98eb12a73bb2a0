//! Loads a program, finds its data races and prints figures, with the seconds of each step:
//! `cargo run --release -p itarget-analyzer --example races -- PROGRAM.bc`.

use itarget_analyzer::points_to::{Options, PointsTo};
use itarget_analyzer::{bitcode, races};
use itarget_annotations::Annotations;
use std::time::Instant;

fn main() {
    let inputs: Vec<String> = std::env::args().skip(1).collect();
    let mut start = Instant::now();
    let mut lap = || std::mem::replace(&mut start, Instant::now()).elapsed().as_secs_f64();
    let module = match bitcode::load(&inputs) {
        Ok(module) => module,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    let loading = lap();
    let points_to = PointsTo::solve(&module, Annotations::builtin(), &Options { outside: true, ..Options::default() });
    let solving = lap();
    let found = races::find(&module, &points_to, Annotations::builtin());
    println!("load {loading:.2} s, points-to {solving:.2} s, races {:.2} s", lap());
    println!("{:?}; {} reports", found.counts, found.reports.len());
    for (function, many) in &found.threads {
        println!("thread {}{}", module.functions[function.index()].name, if *many { " (several)" } else { "" });
    }
}
