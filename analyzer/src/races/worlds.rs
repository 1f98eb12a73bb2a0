//! The program with its functions twice: as the thread of `main` runs them, and as the threads run them that it starts. The
//! points-to analysis then tells what a thread allocates, its stack and its thread keys apart from the main thread's: a library's state
//! that `main` keeps in a variable does not make that of all threads shared. What is found is said of the program as it is.

use super::library::{self, Calls};
use crate::analysis::Known;
use crate::model::{Callee, FunctionId, InstrKind, Module};
use crate::points_to::{AbstractObject, FieldId, ObjectId, ObjectKind, Options, PointsTo, Runs, SiteRef, Worlds};
use itarget_annotations::Annotations;
use rustc_hash::FxHashMap;

/// Comes before the names of copies: they are behind all others.
const COPY: char = char::MAX;

/// The module with copies of all functions, and what pointers lead to there.
pub(super) fn split(module: &Module, points_to: &PointsTo, annotations: &Annotations) -> (Module, PointsTo) {
    let count = module.functions.len();
    let mut double = module.clone();
    for function in &module.functions {
        let mut copy = function.clone();
        copy.name.insert(0, COPY);
        copy.twin = function.twin.map(|twin| FunctionId::from(twin.index() + count));
        for instr in &mut copy.instrs {
            if let InstrKind::Call(call) = &mut instr.kind
                && let Callee::Function(callee) = &mut call.callee
            {
                *callee = FunctionId::from(callee.index() + count);
            }
        }
        double.functions.push(copy);
    }
    let runs = |name: &str| match library::calls(name) {
        Calls::Here => Runs::Caller,
        Calls::Thread(_) => Runs::Thread,
        Calls::Anywhere => Runs::Anyone,
    };
    let options = Options { worlds: Some(Worlds { copies: count, runs }), ..points_to.options().clone() };
    let split = PointsTo::solve(&double, &Known(annotations), &options);
    (double, split)
}

/// What is left of a kind when copies of a function count as the function.
#[derive(PartialEq, Eq, Hash)]
enum Kind<'a> {
    Known(ObjectKind),
    Named(&'a str),
}

/// Cells of the split program as cells of the program.
pub(super) struct Map<'a> {
    from: &'a PointsTo,
    to: &'a PointsTo,
    copies: usize,
    objects: FxHashMap<Kind<'a>, Vec<ObjectId>>,
    globals: FxHashMap<ObjectId, Vec<ObjectId>>,
}

impl<'a> Map<'a> {
    pub(super) fn new(from: &'a PointsTo, to: &'a PointsTo) -> Map<'a> {
        let copies = from.options().worlds.map_or(usize::MAX, |w| w.copies);
        let mut map = Map { from, to, copies, objects: FxHashMap::default(), globals: FxHashMap::default() };
        for (i, object) in (0u32..).zip(to.objects()) {
            map.objects.entry(map.kind(object)).or_default().push(ObjectId(i));
        }
        let there: FxHashMap<_, _> = to.globals().iter().copied().collect();
        for (global, object) in from.globals() {
            if let Some(to) = there.get(global) {
                map.globals.entry(*object).or_default().push(*to);
            }
        }
        map
    }

    /// The function itself.
    pub(super) fn function(&self, f: FunctionId) -> FunctionId {
        FunctionId::from(f.index() % self.copies)
    }

    fn site(&self, site: &SiteRef) -> SiteRef {
        SiteRef { function: self.function(site.function), ordinal: site.ordinal }
    }

    fn kind<'b>(&self, object: &'b AbstractObject) -> Kind<'b> {
        match object.kind {
            ObjectKind::Stack(f, i) => Kind::Known(ObjectKind::Stack(self.function(f), i)),
            ObjectKind::ByVal(f, i) => Kind::Known(ObjectKind::ByVal(self.function(f), i)),
            ObjectKind::VarArgs(f) => Kind::Known(ObjectKind::VarArgs(self.function(f))),
            ObjectKind::Heap(site) => Kind::Known(ObjectKind::Heap(self.site(&site))),
            ObjectKind::External | ObjectKind::Copy | ObjectKind::Arguments => {
                Kind::Named(object.name.strip_suffix("@threads").unwrap_or(&object.name))
            }
            other => Kind::Known(other),
        }
    }

    /// The objects of the program that an object may be.
    fn objects(&self, object: ObjectId) -> Vec<ObjectId> {
        if let Some(globals) = self.globals.get(&object) {
            return globals.clone();
        }
        let of = self.from.object(object);
        let all = self.objects.get(&self.kind(of)).map_or(&[][..], Vec::as_slice);
        // The two analyses may have told apart the callers of wrappers to another depth.
        let fits = |id: &&ObjectId| self.to.object(**id).chain.iter().zip(&of.chain).all(|(a, b)| *a == self.site(b));
        let fitting: Vec<ObjectId> = all.iter().filter(fits).copied().collect();
        if fitting.is_empty() { all.to_vec() } else { fitting }
    }

    /// The cells of the program that a cell may be; `None`: that is not known.
    pub(super) fn cells(&self, cell: FieldId) -> Option<Vec<FieldId>> {
        let field = self.from.field(cell);
        let mut all = Vec::new();
        for object in self.objects(field.object) {
            let alike = self.from.arrays(field.object).eq(self.to.arrays(object));
            let span = |points_to: &PointsTo, object: ObjectId, offset: u64, size: Option<u64>| {
                let end = size.map_or(u64::MAX, |size| offset.saturating_add(size));
                let around = points_to.arrays(object).filter(|(start, end, _)| !alike && *start <= offset && offset < *end);
                around.fold((offset, end), |(low, high), (start, end, _)| (low.min(start), high.max(end)))
            };
            let (low, high) = span(self.from, field.object, field.offset, field.size);
            all.extend(self.to.fields_of(object).filter(|other| {
                let other = self.to.field(*other);
                let (from, to) = span(self.to, object, other.offset, other.size);
                from < high && low < to || from == low
            }));
        }
        (!all.is_empty()).then_some(all)
    }
}
