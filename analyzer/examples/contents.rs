//! What each cell may hold: `cargo run --release -p itarget-analyzer --example contents -- PROGRAM.bc NAME`: all cells
//! whose set holds an object with NAME in its name, smallest sets first.

use itarget_analyzer::bitcode;
use itarget_analyzer::points_to::{FieldId, Options, PointsTo};
use itarget_annotations::Annotations;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let module = bitcode::load(&args[..1]).unwrap_or_else(|e| panic!("{e}"));
    let points_to = PointsTo::solve(&module, Annotations::builtin(), &Options::default());
    let name = |cell: FieldId| {
        let field = points_to.field(cell);
        format!("{}+{}", points_to.object(field.object).name, field.offset)
    };
    let mut found = Vec::new();
    for cell in (0..points_to.fields().len() as u32).map(FieldId) {
        let set = points_to.contents(cell);
        if set.iter().any(|v| name(*v).contains(&args[1])) {
            let object = points_to.object(points_to.field(cell).object);
            found.push((set.len(), name(cell), object.size, object.stride, set));
        }
    }
    found.sort_by_key(|f| (f.0, f.1.clone()));
    for (len, cell, size, stride, set) in found {
        println!("{cell} (size {size:?}, stride {stride}) holds {len}:");
        let names: Vec<String> = set.into_iter().take(60).map(name).collect();
        println!("    {}", names.join(" "));
    }
}
