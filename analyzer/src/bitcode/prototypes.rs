//! Types of functions, and of calls through pointers, from debug information: LLVM's own types no longer say what pointers lead to.
//!
//! Read before any pass runs, while every variable still has a slot that says how it was declared. The type of a call is that
//! of the expression it goes through: a variable, a parameter, a member, an element, a result. Where a cast
//! shows (in the number or the classes of arguments, or in their own types), or anything is unknown, the call has none.

use super::ll::{Kind, Op, Program, Ty, TyKind, Value};
use super::variables::{operand, tag, text};
use crate::model::{Parameter, Prototype, Structure};
use llvm_sys::LLVMLinkage;
use rustc_hash::{FxHashMap, FxHashSet};

/// Longest expression that is followed, and deepest nesting of types.
const DEEPEST: u32 = 12;

/// What is known of types of functions.
#[derive(Default)]
pub(super) struct Prototypes {
    /// Each once.
    pub(super) list: Vec<Prototype>,
    pub(super) structures: Vec<Structure>,
    /// By [`Value::key`] of functions.
    pub(super) by_key: FxHashMap<usize, u32>,
    /// By [`Value::key`] of calls through pointers: any of these (a union of pointers).
    pub(super) calls: FxHashMap<usize, Vec<u32>>,
    /// Exact types that addresses of functions are kept as, by the key of the function. `None`: nobody knows.
    pub(super) kept: FxHashMap<usize, Option<Vec<u32>>>,
    /// Exact types that pointers declared as the first are cast to as they are passed on.
    pub(super) cast: FxHashMap<u32, Vec<u32>>,
}

impl Prototypes {
    /// The exact types by which a function may be called besides its own: those that its address is kept as, and all that pointers of its
    /// own type or of these are cast to. `None`: nobody knows.
    pub(super) fn called_as(&self, function: usize) -> Option<Vec<u32>> {
        let mut all = self.kept.get(&function)?.clone()?;
        let own = self.by_key.get(&function).map(|id| self.list[*id as usize].exact);
        let mut work: Vec<u32> = all.iter().copied().chain(own).collect();
        while let Some(ty) = work.pop() {
            for to in self.cast.get(&ty).into_iter().flatten().filter(|to| Some(**to) != own) {
                if !all.contains(to) {
                    all.push(*to);
                    work.push(*to);
                }
            }
        }
        Some(all)
    }
}

/// How an expression is declared.
#[derive(Clone, Copy)]
enum Expression<'p> {
    /// As that type.
    Of(Value<'p>),
    /// As the address of such.
    AddressOf(Value<'p>),
}

pub(super) struct Finder<'p> {
    pub(super) program: &'p Program<'p>,
    /// Declared types by the key of slots and globals.
    pub(super) places: FxHashMap<usize, Value<'p>>,
    /// By the key of a type of functions.
    known: FxHashMap<usize, Option<u32>>,
    ids: FxHashMap<Prototype, u32>,
    /// By name.
    named: FxHashMap<String, u32>,
    /// Definitions of structures by name.
    defined: FxHashMap<String, Vec<Value<'p>>>,
    /// Answers of [`Finder::named_as`].
    names: FxHashMap<Ty<'p>, Option<Value<'p>>>,
    visited: FxHashSet<usize>,
    /// By the key of a composite, and the name it goes by if it has none.
    composites: FxHashMap<(usize, String), Option<u32>>,
    /// Types in full, by their text.
    exact: FxHashMap<String, u32>,
    pub(super) found: Prototypes,
}

/// Finds the types of a program.
pub(super) fn find<'p>(program: &'p Program<'p>) -> Prototypes {
    let mut finder = Finder {
        program,
        places: FxHashMap::default(),
        known: FxHashMap::default(),
        ids: FxHashMap::default(),
        named: FxHashMap::default(),
        defined: FxHashMap::default(),
        names: FxHashMap::default(),
        visited: FxHashSet::default(),
        composites: FxHashMap::default(),
        exact: FxHashMap::default(),
        found: Prototypes::default(),
    };
    let bodies = || {
        let own = |f: &Value<'p>| !f.is_declaration() && !matches!(f.linkage(), LLVMLinkage::LLVMAvailableExternallyLinkage);
        program.functions().filter(own)
    };
    if !bodies().any(|f| f.debug_node().is_some()) {
        return finder.found;
    }
    for global in program.globals() {
        // An expression; the variable is its first operand.
        if let Some(ty) = global.debug_node().and_then(|e| operand(e, 0)).and_then(|v| operand(v, 3)) {
            finder.places.insert(global.key(), ty);
        }
    }
    let mut calls = Vec::new();
    let (mut taken, mut passed) = (Vec::new(), Vec::new());
    program.set_debug_records(false);
    for (f, i) in bodies().flat_map(|f| f.blocks().flat_map(|b| b.instructions()).map(move |i| (f, i))) {
        if super::addresses::takes_any(i) {
            taken.push(i);
        }
        if matches!(i.opcode(), Op::LLVMStore | Op::LLVMRet) {
            passed.push((f, i));
        }
        if !matches!(i.opcode(), Op::LLVMCall | Op::LLVMInvoke | Op::LLVMCallBr) {
            continue;
        }
        let Some(callee) = i.callee() else { continue };
        if !matches!(callee.kind(), Kind::LLVMFunctionValueKind) {
            calls.push(i);
            passed.push((f, i));
            continue;
        }
        if !callee.is_declaration() {
            passed.push((f, i));
        }
        let at = match callee.name().as_str() {
            "llvm.dbg.declare" => 0,
            "llvm.dbg.assign" => 4,
            _ => continue,
        };
        if let (Some(place), Some(ty)) = (i.operand(at), i.operand(1).and_then(|v| operand(v, 3)))
            && let Some(Some(place)) = place.node_operands().first()
        {
            finder.places.entry(place.key()).or_insert(ty);
        }
    }
    program.set_debug_records(true);
    let mut types: Vec<Value<'p>> = finder.places.values().copied().collect();
    types.sort_unstable_by_key(|ty| ty.key());
    types.dedup_by_key(|ty| ty.key());
    types.into_iter().for_each(|ty| finder.visit(ty));
    for f in bodies() {
        if let Some(prototype) = finder.of_function(f) {
            finder.found.by_key.insert(f.key(), prototype);
        }
    }
    for call in calls {
        if let Some(prototypes) = finder.of_call(call) {
            finder.found.calls.insert(call.key(), prototypes);
        }
    }
    finder.addresses(&taken);
    finder.casts(&passed);
    finder.found
}

/// The type without qualifiers, and the name of the last `typedef` around it.
pub(super) fn bare<'p>(mut ty: Value<'p>) -> Option<(Value<'p>, String)> {
    let mut name = String::new();
    for _ in 0..DEEPEST {
        match ty.debug_tag() {
            tag::TYPEDEF => name = text(ty, 2),
            tag::CONST | tag::VOLATILE | tag::RESTRICT | tag::ATOMIC => {}
            _ => return Some((ty, name)),
        }
        ty = operand(ty, 3)?;
    }
    None
}

/// What a pointer of that type leads to; `None`: it is no pointer, or one to `void`.
fn pointee(ty: Value<'_>) -> Option<Value<'_>> {
    let (ty, _) = bare(ty)?;
    if ty.debug_tag() == tag::POINTER { operand(ty, 3) } else { None }
}

fn target(pointer: Value<'_>) -> Option<Value<'_>> {
    let (to, _) = operand(pointer, 3).and_then(bare)?;
    (to.debug_tag() == tag::SUBROUTINE).then_some(to)
}

/// The types of functions that a pointer, or a union of pointers, leads to; none if it may lead to anything else.
pub(super) fn functions(ty: Value<'_>) -> Vec<Value<'_>> {
    let Some((ty, _)) = bare(ty) else { return Vec::new() };
    match ty.debug_tag() {
        tag::POINTER => target(ty).into_iter().collect(),
        tag::UNION => {
            let members = operand(ty, 4).map(|all| all.node_operands()).unwrap_or_default();
            let types = members.into_iter().flatten().map(|member| operand(member, 3).and_then(bare).and_then(|(ty, _)| target(ty)));
            types.collect::<Option<Vec<_>>>().unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Result and parameters of a type of functions.
pub(super) fn parts(ty: Value<'_>) -> Vec<Option<Value<'_>>> {
    operand(ty, 3).map(|all| all.node_operands()).unwrap_or_default()
}

impl<'p> Finder<'p> {
    fn of_function(&mut self, f: Value<'p>) -> Option<u32> {
        let ty = f.debug_node().and_then(|node| operand(node, 4))?;
        let id = self.prototype(ty)?;
        self.is_passed_as(id, f.value_type(), f.value_type().params().len()).then_some(id)
    }

    fn of_call(&mut self, call: Value<'p>) -> Option<Vec<u32>> {
        let types = match self.expression(call.callee()?, 0)? {
            Expression::Of(ty) => functions(ty),
            Expression::AddressOf(_) => return None,
        };
        let count = call.arg_count();
        let ids = types.into_iter().map(|ty| self.prototype(ty)).collect::<Option<Vec<u32>>>()?;
        let mut ids: Vec<u32> = ids.into_iter().filter(|id| self.is_passed_as(*id, call.called_type(), count as usize)).collect();
        // Arguments that are declared as something else: the pointer was cast.
        for i in 0..count {
            let Some(argument) = call.operand(i) else { continue };
            let Some(own) = self.expression(argument, 0).map(|e| self.declared(e)) else { continue };
            ids.retain(|id| match (own, self.found.list[*id as usize].params.get(i as usize)) {
                (Parameter::Structure(a), Some(Parameter::Structure(b))) => a == *b,
                _ => true,
            });
        }
        (!ids.is_empty()).then_some(ids)
    }

    /// The type of functions that a call goes through.
    pub(super) fn called(&mut self, call: Value<'p>, depth: u32) -> Option<Value<'p>> {
        match self.expression(call.callee()?, depth)? {
            Expression::Of(ty) => functions(ty).into_iter().next().filter(|_| functions(ty).len() == 1),
            Expression::AddressOf(_) => None,
        }
    }

    /// LLVM passes as many arguments of the same classes: no cast shows, and no structure goes by value.
    fn is_passed_as(&self, id: u32, function: Ty<'p>, count: usize) -> bool {
        let prototype = &self.found.list[id as usize];
        let params = function.params();
        let pointer = |ty: &Ty<'_>| matches!(ty.kind(), TyKind::LLVMPointerTypeKind);
        let fits = |(ty, parameter): (&Ty<'_>, &Parameter)| pointer(ty) != matches!(parameter, Parameter::Number);
        let same = prototype.params.len() == params.len() || prototype.open && params.len() <= count;
        same && params.iter().zip(&prototype.params).all(fits)
    }

    fn expression(&mut self, value: Value<'p>, depth: u32) -> Option<Expression<'p>> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(ty) = self.places.get(&value.key()) {
            return Some(Expression::AddressOf(*ty));
        }
        let opcode = match value.kind() {
            Kind::LLVMInstructionValueKind => value.opcode(),
            Kind::LLVMConstantExprValueKind => value.const_opcode(),
            _ => return None,
        };
        match opcode {
            Op::LLVMLoad => {
                let mut ty = self.place(value.operand(0)?, depth)?;
                // The first member of a structure has its address.
                for _ in 0..DEEPEST {
                    match bare(ty) {
                        Some((of, _)) if of.debug_tag() == tag::STRUCT => ty = member_at(of, 0)?,
                        _ => break,
                    }
                }
                Some(Expression::Of(ty))
            }
            Op::LLVMGetElementPtr => self.element(value, depth).map(Expression::AddressOf),
            Op::LLVMCall => {
                let callee = value.callee()?;
                let ty = match callee.kind() {
                    Kind::LLVMFunctionValueKind => callee.debug_node().and_then(|node| operand(node, 4))?,
                    _ => self.called(value, depth + 1)?,
                };
                parts(ty).first().copied().flatten().map(Expression::Of)
            }
            _ => None,
        }
    }

    /// The type that a value is declared as.
    pub(super) fn declared_as(&mut self, value: Value<'p>) -> Option<Value<'p>> {
        match self.expression(value, 0)? {
            Expression::Of(ty) => Some(ty),
            Expression::AddressOf(_) => None,
        }
    }

    /// The type of what a pointer leads to.
    pub(super) fn place(&mut self, pointer: Value<'p>, depth: u32) -> Option<Value<'p>> {
        match self.expression(pointer, depth + 1)? {
            Expression::Of(ty) => pointee(ty),
            Expression::AddressOf(ty) => Some(ty),
        }
    }

    /// The type of what pointer arithmetic leads to.
    fn element(&mut self, gep: Value<'p>, depth: u32) -> Option<Value<'p>> {
        let mut ty = gep.gep_type();
        let declared = self.place(gep.operand(0)?, depth);
        let mut declared = match self.named_as(ty) {
            // LLVM says what structure it is, whatever the pointer was declared as.
            Some(named) if !declared.is_some_and(|declared| self.is_sized_as(declared, ty)) => named,
            _ => declared?,
        };
        if gep.operand_count() > 2 && !self.is_sized_as(declared, ty) {
            return None;
        }
        for index in 2..gep.operand_count() {
            let (of, _) = bare(declared)?;
            declared = match (ty.kind(), of.debug_tag()) {
                (TyKind::LLVMStructTypeKind, tag::STRUCT) if self.is_sized_as(of, ty) => {
                    let field = u32::try_from(gep.operand(index)?.integer()?).ok()?;
                    let at = 8 * self.program.layout().offset(ty, field);
                    ty = ty.field(field);
                    member_at(of, at)?
                }
                (TyKind::LLVMArrayTypeKind, tag::ARRAY) if operand(of, 4)?.node_operands().len() == 1 => {
                    ty = ty.element();
                    operand(of, 3)?
                }
                _ => return None,
            };
        }
        // Bytes are counted in nothing that is declared.
        (gep.operand_count() > 2 || self.is_sized_as(declared, ty)).then_some(declared)
    }

    fn is_sized_as(&self, declared: Value<'p>, ty: Ty<'p>) -> bool {
        ty.sized() && bare(declared).is_some_and(|(of, _)| of.debug_extent().1 == 8 * self.program.layout().size(ty))
    }

    /// The structure of the name that LLVM has for it, if there is only one.
    fn named_as(&mut self, ty: Ty<'p>) -> Option<Value<'p>> {
        if let Some(known) = self.names.get(&ty) {
            return *known;
        }
        let named = self.only_named_as(ty);
        self.names.insert(ty, named);
        named
    }

    fn only_named_as(&self, ty: Ty<'p>) -> Option<Value<'p>> {
        let name = ty.struct_name()?;
        let name = name.strip_prefix("struct.")?;
        let plain = name.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix('.').unwrap_or(name);
        let mut all = self.defined.get(plain)?.iter().filter(|of| self.is_sized_as(**of, ty));
        let first = all.next()?;
        all.all(|other| layout(*other) == layout(*first)).then_some(*first)
    }

    /// Notes all structures that a type mentions, by their names.
    fn visit(&mut self, ty: Value<'p>) {
        let mut work = vec![(ty, String::new())];
        while let Some((ty, around)) = work.pop() {
            if !self.visited.insert(ty.key()) {
                continue;
            }
            let tag = ty.debug_tag();
            if matches!(tag, tag::STRUCT | tag::UNION) {
                let own = text(ty, 2);
                let members = operand(ty, 4).map(|all| all.node_operands()).unwrap_or_default();
                let name = if own.is_empty() { around } else { own };
                if tag == tag::STRUCT && !name.is_empty() && !members.is_empty() {
                    self.defined.entry(name).or_default().push(ty);
                }
                work.extend(members.into_iter().flatten().filter_map(|member| Some((operand(member, 3)?, String::new()))));
            } else if tag == tag::SUBROUTINE {
                work.extend(parts(ty).into_iter().flatten().map(|part| (part, String::new())));
            } else if let Some(base) = operand(ty, 3) {
                work.push((base, if tag == tag::TYPEDEF { text(ty, 2) } else { String::new() }));
            }
        }
    }

    pub(super) fn prototype(&mut self, ty: Value<'p>) -> Option<u32> {
        if let Some(known) = self.known.get(&ty.key()) {
            return *known;
        }
        let id = self.made(ty).map(|prototype| {
            let next = u32::try_from(self.found.list.len()).unwrap_or(u32::MAX);
            let id = *self.ids.entry(prototype.clone()).or_insert(next);
            if id == next {
                self.found.list.push(prototype);
            }
            id
        });
        self.known.insert(ty.key(), id);
        id
    }

    fn made(&mut self, ty: Value<'p>) -> Option<Prototype> {
        let mut parts = parts(ty);
        // Only lines were asked for (`-gline-tables-only`).
        if parts.is_empty() {
            return None;
        }
        // Arguments that nothing is said of: variadic, or declared without any.
        let open = parts.len() > 1 && parts.last().is_some_and(|last| last.is_none_or(|l| l.debug_tag() == tag::UNSPECIFIED));
        if open {
            parts.pop();
        }
        let ret = parts.first().copied().flatten().map_or(Parameter::Other, |ty| self.declared(Expression::Of(ty)));
        let by_value = |ty: &Value<'_>| bare(*ty).is_none_or(|(ty, _)| matches!(ty.debug_tag(), tag::STRUCT | tag::CLASS | tag::UNION | tag::ARRAY));
        if parts.iter().flatten().any(by_value) {
            return None;
        }
        let params = parts.iter().skip(1).map(|ty| ty.map_or(Parameter::Other, |ty| self.declared(Expression::Of(ty)))).collect();
        let mut text = String::new();
        described(ty, 0, &mut text);
        let exact = self.numbered(text);
        let mut text = "of any structures: ".to_owned();
        for part in parts {
            let structure = part.and_then(pointee).and_then(bare).is_some_and(|(ty, _)| matches!(ty.debug_tag(), tag::STRUCT | tag::CLASS));
            match part {
                Some(_) if structure => text.push('*'),
                Some(part) => described(part, 0, &mut text),
                None => text.push('v'),
            }
            text.push(',');
        }
        let shape = self.numbered(text);
        Some(Prototype { ret, params, open, exact, shape })
    }

    fn numbered(&mut self, text: String) -> u32 {
        let next = u32::try_from(self.exact.len()).unwrap_or(u32::MAX);
        *self.exact.entry(text).or_insert(next)
    }

    fn declared(&mut self, expression: Expression<'p>) -> Parameter {
        let target = match expression {
            Expression::AddressOf(ty) => Some(ty),
            Expression::Of(ty) => match bare(ty) {
                Some((ty, _)) if ty.debug_tag() == tag::POINTER => operand(ty, 3),
                Some((ty, _)) if matches!(ty.debug_tag(), tag::BASE | tag::ENUM) => return Parameter::Number,
                _ => return Parameter::Other,
            },
        };
        match target.and_then(bare) {
            Some((ty, name)) if matches!(ty.debug_tag(), tag::STRUCT | tag::CLASS) => self.structure(ty, name, 0).map_or(Parameter::Other, Parameter::Structure),
            _ => Parameter::Other,
        }
    }

    /// The number of a structure. Those of one name are one, wherever they are declared.
    fn structure(&mut self, ty: Value<'p>, around: String, depth: u32) -> Option<u32> {
        let key = (ty.key(), around);
        if let Some(known) = self.composites.get(&key) {
            return *known;
        }
        let own = text(ty, 2);
        // A `typedef` has a name space of its own.
        let name = if own.is_empty() { format!("typedef {}", key.1) } else { own };
        let id = (name != "typedef ").then(|| {
            let next = u32::try_from(self.found.structures.len()).unwrap_or(u32::MAX);
            let id = *self.named.entry(name).or_insert(next);
            if id == next {
                self.found.structures.push(Structure::default());
            }
            id
        });
        self.composites.insert(key, id);
        let id = id?;
        if operand(ty, 4).is_some_and(|elements| !elements.node_operands().is_empty()) {
            let members = members(ty);
            let of = &mut self.found.structures[id as usize];
            if !of.defined {
                of.members = members;
            } else if of.members != members {
                of.members.clear();
            }
            of.defined = true;
            let first = (depth < DEEPEST).then(|| member_at(ty, 0)).flatten().and_then(bare);
            if let Some((first, name)) = first.filter(|(first, _)| first.debug_tag() == tag::STRUCT)
                && let Some(first) = self.structure(first, name, depth + 1)
                && !self.found.structures[id as usize].begins_with.contains(&first)
            {
                self.found.structures[id as usize].begins_with.push(first);
            }
        }
        Some(id)
    }
}

/// The type of the member at so many bits, if there is one only.
pub(super) fn member_at(composite: Value<'_>, bits: u64) -> Option<Value<'_>> {
    let members = operand(composite, 4)?.node_operands();
    let mut at = members.into_iter().flatten().filter(|m| m.debug_tag() == tag::MEMBER && m.debug_extent() .0 == bits && m.debug_extent().1 > 0);
    let only = at.next()?;
    if at.next().is_some() { None } else { operand(only, 3) }
}

/// Places, sizes and names of the members of a structure.
fn members(ty: Value<'_>) -> Vec<(u64, u64, String)> {
    let all = operand(ty, 4).map(|all| all.node_operands()).unwrap_or_default();
    all.into_iter().flatten().map(|member| (member.debug_extent().0, member.debug_extent().1, text(member, 2))).collect()
}

/// Types and places of the members of a structure.
fn layout(ty: Value<'_>) -> String {
    let mut out = String::new();
    for member in operand(ty, 4).map(|all| all.node_operands()).unwrap_or_default().into_iter().flatten() {
        out.push_str(&format!("{}:", member.debug_extent().0));
        if let Some(ty) = operand(member, 3) {
            described(ty, 0, &mut out);
        }
    }
    out
}

/// Adds a type in full, but for qualifiers and the names of numbers.
fn described(ty: Value<'_>, depth: u32, out: &mut String) {
    let Some((ty, name)) = bare(ty).filter(|_| depth < DEEPEST) else {
        out.push('?');
        return;
    };
    match ty.debug_tag() {
        tag::POINTER => {
            out.push('*');
            match operand(ty, 3) {
                Some(to) => described(to, depth + 1, out),
                None => out.push('v'),
            }
        }
        tag::SUBROUTINE => {
            out.push('(');
            for part in parts(ty) {
                match part {
                    Some(part) => described(part, depth + 1, out),
                    None => out.push('v'),
                }
                out.push(',');
            }
            out.push(')');
        }
        tag::STRUCT | tag::CLASS | tag::UNION => {
            let own = text(ty, 2);
            out.push_str(if own.is_empty() { "typedef " } else { "struct " });
            out.push_str(if own.is_empty() { &name } else { &own });
        }
        tag::ARRAY => {
            out.push_str("[]");
            if let Some(element) = operand(ty, 3) {
                described(element, depth + 1, out);
            }
        }
        tag::BASE | tag::ENUM => out.push_str(&ty.debug_extent().1.to_string()),
        other => out.push_str(&format!("#{other}")),
    }
}
