//! Which objects several threads may reach: those that can be found without a pointer of one's own, and what they lead to.

use super::calls::Graph;
use crate::model::Module;
use crate::points_to::{FieldId, ObjectKind, PointsTo};

/// The objects that stand for the values of thread keys: each thread has its own.
pub(super) const KEYS: &[&str] = &["static:tls", "static:tss", "static:tls@threads", "static:tss@threads"];

/// True for each object that may be reached by several threads.
pub(super) fn find(module: &Module, points_to: &PointsTo, graph: &Graph) -> Vec<bool> {
    let mut roots: Vec<FieldId> = Vec::new();
    for object in points_to.objects() {
        let root = match object.kind {
            ObjectKind::Global(g) => !module.globals[g.index()].thread_local,
            ObjectKind::ExternalVariable(v) => !module.external_variables[v.index()].thread_local,
            ObjectKind::External => true,
            ObjectKind::Copy => !KEYS.contains(&object.name.as_str()),
            _ => false,
        };
        if root {
            roots.push(object.fields.0);
        }
    }
    roots.extend_from_slice(points_to.escaped());
    for start in &graph.starts {
        roots.extend(start.given.iter().flat_map(|operand| points_to.value_merged(start.function, *operand)));
    }
    let mut shared = vec![false; points_to.objects().len()];
    for cell in points_to.reachable(&roots) {
        shared[points_to.field(cell).object.0 as usize] = true;
    }
    shared
}
