//! Abstract objects of the program and of the environment, made as they are met: globals with their
//! initialisers, code, external variables, what annotations name.

use super::{ObjectKind, Shape};
use super::build::Builder;
use super::objects::{Loc, Obj, Region};
use super::solver::Node;
use crate::model::{ExternalVariableId, GlobalId, Module, Operand, Type, TypeId};
use itarget_annotations::VariableKind;
use rustc_hash::FxHashMap;

impl Builder<'_> {
    /// Location of the vectors that `main` gets: they hold pointers to strings.
    pub(super) fn arguments(&mut self) -> Loc {
        let vector = self.named_object("argv", ObjectKind::Arguments);
        let strings = self.named_object("argv:strings", ObjectKind::Arguments);
        let string = self.solver.loc(strings, 0);
        let contents = self.solver.contents(vector, 0);
        self.solver.add(contents, string);
        self.solver.loc(vector, 0)
    }

    /// The object with that name.
    pub(super) fn named_object(&mut self, name: &str, kind: ObjectKind) -> u32 {
        if let Some(id) = self.named.get(name) {
            return *id;
        }
        let one = Region::WHOLE;
        let mut object = new_object(kind, 0, name.to_owned());
        if matches!(kind, ObjectKind::External | ObjectKind::Arguments | ObjectKind::VarArgs(_) | ObjectKind::Copy) {
            object.regions.push(one);
            object.flat = true;
        }
        let memory = name.strip_prefix("ext:").and_then(|name| self.library.memory(name));
        object.shape = memory.filter(|_| self.module.typed).map(|memory| Shape::new(self.module, memory));
        let shaped = object.shape.is_some();
        if self.module.typed && name == "argv:strings" {
            object.shape = Some(Shape::text(self.module));
        }
        let id = self.solver.object(object);
        self.named.insert(name.to_owned(), id);
        if kind == ObjectKind::External {
            // What it points to is the environment's too, but of no known shape.
            let loc = self.solver.loc(id, 0);
            let contents = self.solver.contents(id, 0);
            let behind = match memory {
                Some(memory) if shaped && memory.bytes => None,
                Some(memory) if shaped => {
                    // All structures of one type share it: what a buffer of `stdout` is, one of `fopen`'s may be.
                    let of = memory.record.as_ref().map_or_else(|| name.to_owned(), |record| format!("ext:{record}"));
                    let behind = self.named_object(&format!("{of}:behind"), ObjectKind::External);
                    Some(self.solver.loc(behind, 0))
                }
                _ => Some(loc),
            };
            if let Some(behind) = behind {
                self.solver.add(contents, behind);
            }
            if self.unknown_used {
                let escape = self.solver.escape;
                self.solver.add(escape, loc);
            }
        }
        id
    }

    pub(super) fn unknown_external(&mut self) {
        if self.unknown_used {
            return;
        }
        self.unknown_used = true;
        let escape = self.solver.escape;
        for object in 0..u32::try_from(self.solver.objects.len()).unwrap_or(0) {
            if self.solver.objects[object as usize].kind == ObjectKind::External {
                let loc = self.solver.loc(object, 0);
                self.solver.add(escape, loc);
            }
        }
        let retained = self.retained;
        self.solver.edge(retained, escape);
    }

    /// An object with a declared layout.
    pub(super) fn typed_object(&mut self, kind: ObjectKind, name: String, ty: TypeId, size: Option<u64>, array: bool) -> u32 {
        let mut object = new_object(kind, 0, name);
        object.size = size;
        object.ty = Some(ty);
        let element = self.module.types.size(ty);
        if array && element > 0 {
            object.regions.push(Region { start: 0, end: u64::MAX, stride: element });
        }
        let arrays = self.module.types.arrays(ty);
        object.flat = match self.module.types.get(ty) {
            _ if array => element == 1,
            Type::Scalar(size) => *size <= 8,
            Type::Pointer => true,
            Type::Array(_, stride, _) => *stride == 1,
            Type::Struct(..) => false,
        };
        object.regions.extend(arrays.into_iter().map(|(start, end, stride)| Region { start, end, stride }));
        self.solver.object(object)
    }

    pub(super) fn global_loc(&mut self, id: GlobalId, offset: i64) -> Loc {
        let object = match self.globals.get(&id) {
            Some(object) => *object,
            None => {
                let g = &self.module.globals[id.index()];
                if is_plain(self.module, id) {
                    return self.plain_constant(id);
                }
                let object = match self.tables.get(&id) {
                    Some(element) => self.table(id, *element),
                    None => self.typed_object(ObjectKind::Global(id), g.name.clone(), g.ty, Some(g.size), false),
                };
                self.solver.objects[object as usize].constant = g.constant;
                self.globals.insert(id, object);
                self.pending_globals.push(id);
                object
            }
        };
        self.solver.loc(object, offset.cast_unsigned())
    }

    /// Variables that only initialisers of other variables mention (tables of tables) are one object, if their
    /// elements are laid out alike and all or none can be written: no code tells them apart but by way of the others.
    fn table(&mut self, id: GlobalId, element: TypeId) -> u32 {
        let g = &self.module.globals[id.index()];
        if let Some(object) = self.table_of.get(&(element, g.constant)) {
            return *object;
        }
        let object = self.typed_object(ObjectKind::Global(id), format!("{} and the like", g.name), element, None, true);
        // How large one of them is nobody knows, nor what a program keeps in characters: any access may touch it.
        if !matches!(self.module.types.get(element), Type::Struct(..)) {
            self.solver.objects[object as usize].ty = None;
        }
        self.table_of.insert((element, g.constant), object);
        object
    }

    /// Constants without pointers (texts, tables of numbers) are one object: what is read there
    /// is the same in every run, and which of them it was is of no use to anyone.
    pub(super) fn plain_constant(&mut self, id: GlobalId) -> Loc {
        let object = match self.plain_constants {
            Some(object) => object,
            None => {
                let mut object = new_object(ObjectKind::Global(id), 0, "constants".to_owned());
                object.constant = true;
                object.flat = true;
                object.regions.push(Region::WHOLE);
                *self.plain_constants.insert(self.solver.object(object))
            }
        };
        self.solver.loc(object, 0)
    }

    pub(super) fn variable_loc(&mut self, id: ExternalVariableId, offset: i64) -> Loc {
        let v = &self.module.external_variables[id.index()];
        let name = format!("extvar:{}", v.name);
        if let Some(object) = self.named.get(&name) {
            return self.solver.loc(*object, u64::try_from(offset).unwrap_or(0));
        }
        let object = self.typed_object(ObjectKind::ExternalVariable(id), name.clone(), v.ty, v.size, false);
        self.named.insert(name, object);
        let anywhere = self.solver.any_in(object);
        let annotated = self.library.variable(&v.name).map(|v| v.kind);
        // `optarg` and the like hold what the program gave, by annotation of the functions that set them.
        if annotated != Some(VariableKind::Native) {
            let target = self.named_object(&format!("ext:{}", v.name), ObjectKind::External);
            let loc = self.solver.loc(target, 0);
            self.solver.add(anywhere, loc);
        }
        let own = self.solver.loc(object, 0);
        match self.library.variable(&v.name) {
            None => {
                let escape = self.solver.escape;
                self.solver.add(escape, own);
            }
            Some(_) if matches!(&*v.name, "environ" | "__environ" | "_environ") => {
                let vector = self.arguments();
                self.solver.add(anywhere, vector);
            }
            Some(_) => {}
        }
        self.solver.loc(object, u64::try_from(offset).unwrap_or(0))
    }

    /// A variable that code outside of the module stores to by its name: also what nobody here hands out.
    pub(super) fn used_outside(&mut self, id: GlobalId) {
        let own = self.global_loc(id, 0);
        let escape = self.solver.escape;
        self.solver.add(escape, own);
        let target = self.named_object(&format!("ext:{}", self.module.globals[id.index()].name), ObjectKind::External);
        let target = self.solver.loc(target, 0);
        let anywhere = self.solver.any_in(self.solver.locs[own as usize].0);
        self.solver.add(anywhere, target);
    }

    pub(super) fn code_loc(&mut self, kind: ObjectKind, name: &str) -> Loc {
        let name = format!("code:{name}");
        let object = match self.named.get(&name) {
            Some(object) => *object,
            None => {
                let object = self.solver.object(new_object(kind, 0, name.clone()));
                self.named.insert(name, object);
                object
            }
        };
        self.solver.loc(object, 0)
    }

    pub(super) fn constant(&mut self, operand: Operand) -> Node {
        if let Some(node) = self.operands.get(&operand) {
            return *node;
        }
        let node = self.solver.node();
        self.operands.insert(operand, node);
        self.add_address(node, operand);
        self.initialise();
        node
    }

    pub(super) fn add_address(&mut self, node: Node, operand: Operand) {
        let module = self.module;
        match operand {
            Operand::Global(id, offset) => {
                let loc = self.global_loc(id, offset);
                self.solver.add(node, loc);
            }
            Operand::ExternalVariable(id, _) if !self.linked(id).is_empty() => {
                // All variables of the section are one array, so any of them may be found from either end.
                for global in self.linked(id) {
                    let loc = self.global_loc(global, 0);
                    let loc = self.solver.anywhere(self.solver.locs[loc as usize].0);
                    self.solver.add(node, loc);
                }
            }
            Operand::ExternalVariable(id, offset) => {
                let loc = self.variable_loc(id, offset);
                self.solver.add(node, loc);
            }
            Operand::Function(id) => {
                let loc = self.code_loc(ObjectKind::Function(id), &module.functions[id.index()].name);
                self.solver.add(node, loc);
            }
            Operand::External(id) => {
                let loc = self.code_loc(ObjectKind::ExternalFunction(id), &module.externals[id.index()].name);
                self.solver.add(node, loc);
            }
            Operand::Any(list) => {
                for one in &module.lists[list.index()] {
                    self.add_address(node, *one);
                }
            }
            _ => {}
        }
    }

    /// Fills in the initialisers of globals met for the first time.
    pub(super) fn initialise(&mut self) {
        while let Some(id) = self.pending_globals.pop() {
            let object = self.globals[&id];
            for (offset, operand) in &self.module.globals[id.index()].init {
                // What an initialiser is declared as is not known here.
                let contents = self.solver.contents(object, *offset);
                self.add_address(contents, *operand);
                let numbers = self.solver.numbers(contents);
                self.add_address(numbers, *operand);
            }
        }
    }

    /// The variables of the section that the linker lets an external variable begin or end.
    fn linked(&self, id: ExternalVariableId) -> Vec<GlobalId> {
        let Some(section) = self.module.external_variables[id.index()].section() else { return Vec::new() };
        let globals = self.module.globals.iter().enumerate().filter(|(_, g)| g.section.as_deref() == Some(section));
        globals.map(|(i, _)| GlobalId::from(i)).collect()
    }

    /// The external variable of that name, if the module has it.
    pub(super) fn variable(&mut self, name: &str) -> Option<Loc> {
        let index = self.module.external_variables.iter().position(|v| v.name == name)?;
        Some(self.variable_loc(ExternalVariableId::from(index), 0))
    }
}

/// The variables that only initialisers of others mention, with the layout of their elements. Those that are
/// mentioned by nobody else in their group stay what they are.
pub(super) fn tables(module: &Module, exposed: bool) -> FxHashMap<GlobalId, TypeId> {
    let mut mentioned = vec![false; module.globals.len()];
    let mut see = |operand: Operand| match operand {
        Operand::Global(id, _) => mentioned[id.index()] = true,
        Operand::Any(list) => {
            for one in &module.lists[list.index()] {
                if let Operand::Global(id, _) = one {
                    mentioned[id.index()] = true;
                }
            }
        }
        _ => {}
    };
    module.functions.iter().flat_map(|f| &f.instrs).for_each(|instr| instr.kind.operands(&mut see));
    let mut groups: FxHashMap<(TypeId, bool), Vec<GlobalId>> = FxHashMap::default();
    for (i, g) in module.globals.iter().enumerate() {
        if mentioned[i] || g.exported && exposed || g.used_outside || g.thread_local || is_plain(module, GlobalId::from(i)) {
            continue;
        }
        let element = match module.types.get(g.ty) {
            Type::Array(element, ..) => *element,
            _ => g.ty,
        };
        // Arrays of pointers have little in common, but for those of texts.
        let texts = || g.init.iter().all(|(_, operand)| matches!(operand, Operand::Global(id, _) if is_plain(module, *id)));
        let alike = match module.types.get(element) {
            Type::Struct(..) => !g.init.is_empty(),
            Type::Pointer => element != g.ty && texts(),
            Type::Scalar(1) => element != g.ty,
            _ => false,
        };
        if alike {
            groups.entry((element, g.constant)).or_default().push(GlobalId::from(i));
        }
    }
    let several = groups.into_iter().filter(|(_, all)| all.len() > 1);
    several.flat_map(|((element, _), all)| all.into_iter().map(move |id| (id, element))).collect()
}

/// A constant without pointers.
fn is_plain(module: &Module, id: GlobalId) -> bool {
    let g = &module.globals[id.index()];
    g.constant && g.init.is_empty()
}

/// An object without layout.
pub(super) fn new_object(kind: ObjectKind, instance: u32, name: String) -> Obj {
    Obj {
        kind,
        instance,
        name,
        size: None,
        constant: matches!(kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_)),
        shape: None,
        flat: matches!(kind, ObjectKind::Function(_) | ObjectKind::ExternalFunction(_)),
        ty: None,
        regions: Vec::new(),
        locs: FxHashMap::default(),
        offsets: Vec::new(),
        before: 0,
        block: None,
        any_out: None,
        any_in: None,
        copies: Vec::new(),
    }
}
