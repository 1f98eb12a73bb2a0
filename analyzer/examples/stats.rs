//! Loads a program, runs the points-to analysis and prints its figures:
//! `cargo run --release -p itarget-analyzer --example stats -- PROGRAM.bc`. With `STATS_ROW` set, one line of fields parted
//! by tabs, for `tests/scale/run.sh`: instructions, CPU seconds of the process, seconds of the analysis alone, peak memory in
//! MB, mean and max set, indirect call sites, mean callees.

use itarget_analyzer::bitcode;
use itarget_analyzer::model::{FunctionId, InstrKind, Module};
use itarget_analyzer::points_to::{Options, PointsTo, Target};
use itarget_annotations::Annotations;
use std::time::Instant;

fn main() {
    let inputs: Vec<String> = std::env::args().skip(1).collect();
    let start = Instant::now();
    let module = match bitcode::load(&inputs) {
        Ok(module) => module,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    let quiet = std::env::var_os("STATS_ROW").is_some();
    let instrs: usize = module.functions.iter().map(|f| f.instrs.len()).sum();
    let say = |text: String| if !quiet { println!("{text}") };
    say(format!(
        "load {:.2} s; {} functions, {instrs} instructions, {} externals, {} globals; {}",
        start.elapsed().as_secs_f64(),
        module.functions.len(),
        module.externals.len(),
        module.globals.len(),
        module.fingerprint
    ));
    let result = PointsTo::solve(&module, Annotations::builtin(), &Options::default());
    if std::env::var_os("STATS_ROW").is_some() {
        let (s, used) = (result.stats(), used().unwrap_or_default());
        println!(
            "{instrs}\t{:.1}\t{:.1}\t{:.0}\t{:.1}\t{}\t{}\t{:.1}",
            used.0, s.seconds, used.1, s.mean_fields, s.max_fields, s.indirect_sites, s.mean_targets
        );
        return;
    }
    println!("{:#?}", result.stats());
    if std::env::var_os("PTA_DETAIL").is_some() {
        detail(&module, &result);
    }
}

/// CPU seconds of this process so far, in ticks of 10 ms, and its peak memory in MB.
fn used() -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let times: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = times.get(11)?.parse::<f64>().ok()? + times.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse::<f64>().ok()?;
    Some((ticks / 100.0, peak / 1024.0))
}

/// Where the imprecision is: escaped memory, unknown calls, and the sites with the largest sets.
fn detail(module: &Module, result: &PointsTo) {
    println!("escaped fields {}, functions {}", result.escaped().len(), result.escaped_functions().len());
    for f in result.escaped_functions() {
        println!("escaped {}", module.functions[f.index()].name);
    }
    let mut largest = Vec::new();
    let mut frequent = vec![0usize; result.objects().len()];
    for (i, f) in module.functions.iter().enumerate() {
        let id = FunctionId::from(i);
        for (ordinal, index) in &f.sites {
            match &f.instrs[*index as usize].kind {
                InstrKind::Load { ptr, access } | InstrKind::Store { ptr, access, .. } => {
                    let fields = result.accessed(module, id, *ptr, access);
                    let mut objects: Vec<_> = fields.iter().map(|f| result.field(*f).object).collect();
                    objects.dedup();
                    objects.iter().for_each(|o| frequent[o.0 as usize] += 1);
                    largest.push((objects.len(), fields.len(), f.name.clone(), f.instrs[*index as usize].at.map_or(0, |at| at.line)));
                }
                InstrKind::Call(_) => {
                    for instance in result.instances_of(id) {
                        for target in result.callees(*instance, *ordinal) {
                            match target {
                                Target::Function(to)
                                    if result.instance(*to).caller.is_none() && result.instances_of(result.instance(*to).function).len() > 1 =>
                                {
                                    println!("shared {} from {}", module.functions[result.instance(*to).function.index()].name, f.name);
                                }
                                Target::Unknown => println!("unknown call in {} at {ordinal}", f.name),
                                Target::External(e) if Annotations::builtin().function(&module.externals[e.index()].name).is_none() => {
                                    println!("unannotated {} in {}", module.externals[e.index()].name, f.name);
                                }
                                _ => {}
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }
    largest.sort();
    largest.reverse();
    for (objects, fields, f, line) in largest.iter().step_by(largest.len() / 40 + 1) {
        println!("{objects} objects {fields} fields: {f}:{line}");
    }
    let mut order: Vec<usize> = (0..frequent.len()).collect();
    order.sort_by_key(|o| std::cmp::Reverse(frequent[*o]));
    for o in order.iter().take(50) {
        let object = &result.objects()[*o];
        println!("{} x {} ({} fields)", frequent[*o], object.name, object.fields.1.0 - object.fields.0.0);
    }
}
