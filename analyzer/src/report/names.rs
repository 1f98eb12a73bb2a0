//! Names that a C programmer understands, for objects, cells and calls.

use crate::flow::explain;
use crate::flow::facts::CallSite;
use crate::model::{Access, Callee, Class, Declared, FunctionId, InstrKind, Module, Variable};
use crate::points_to::{FieldId, ObjectId, ObjectKind, PointsTo, SiteRef};

/// Names in one program.
#[derive(Clone, Copy)]
pub struct Names<'a> {
    /// The program.
    pub module: &'a Module,
    /// Its objects.
    pub points_to: &'a PointsTo,
}

impl<'a> Names<'a> {
    /// A function.
    #[must_use]
    pub fn function(&self, function: FunctionId) -> &'a str {
        &self.module.functions[function.index()].name
    }

    /// `file:line`, empty if not known.
    #[must_use]
    pub fn line(&self, at: (usize, usize)) -> String {
        explain::location(self.module, at).map_or_else(String::new, |l| format!("{}:{}", l.file, l.line))
    }

    /// Where a site is.
    #[must_use]
    pub fn site(&self, site: SiteRef) -> String {
        let function = &self.module.functions[site.function.index()];
        let line = function.site(site.ordinal).map(|i| self.line((site.function.index(), i))).unwrap_or_default();
        if line.is_empty() { format!("in `{}`", function.name) } else { line }
    }

    /// The line where an object is defined or allocated; empty if not known.
    #[must_use]
    pub fn origin(&self, object: ObjectId) -> String {
        let object = self.points_to.object(object);
        match object.kind {
            ObjectKind::Function(f) => self.definition(f),
            _ => object.at.filter(|at| at.line != 0).and_then(|at| Some(format!("{}:{}", self.module.files.get(at.file.index())?, at.line))),
        }
        .unwrap_or_default()
    }

    /// The line where a function is defined.
    #[must_use]
    pub fn definition(&self, function: FunctionId) -> Option<String> {
        let at = self.module.functions[function.index()].at.filter(|at| at.line != 0)?;
        Some(format!("{}:{}", self.module.files.get(at.file.index())?, at.line))
    }

    /// What is called at a site.
    fn callee(&self, site: SiteRef) -> Option<&'a str> {
        let function = &self.module.functions[site.function.index()];
        match &function.instrs[function.site(site.ordinal)?].kind {
            InstrKind::Call(call) => match call.callee {
                Callee::External(e) => Some(&self.module.externals[e.index()].name),
                Callee::Function(f) => Some(self.function(f)),
                Callee::Indirect(_) | Callee::Asm { .. } => None,
            },
            _ => None,
        }
    }

    /// What debug information says of an object.
    #[must_use]
    pub fn variable(&self, id: ObjectId) -> Option<&'a Variable> {
        let variables = &self.module.variables;
        match self.points_to.object(id).kind {
            ObjectKind::Global(g) => variables.globals.get(&g),
            ObjectKind::Stack(f, slot) => variables.locals.get(&(f, slot)),
            ObjectKind::ByVal(f, parameter) => variables.parameters.get(&(f, parameter)),
            _ => None,
        }
    }

    /// An object: `` `line` of `main` ``, `` memory of `malloc` at x.c:3 ``.
    #[must_use]
    pub fn object(&self, id: ObjectId) -> String {
        let object = self.points_to.object(id);
        let tail = |name: &str| name.split_once(':').map_or(name, |(_, rest)| rest).to_owned();
        match object.kind {
            ObjectKind::Global(_) => format!("`{}`", object.name),
            ObjectKind::Function(f) => format!("the code of `{}`", self.function(f)),
            ObjectKind::ExternalFunction(e) => format!("the code of `{}`", self.module.externals[e.index()].name),
            ObjectKind::Stack(f, _) => match (self.variable(id), tail(&object.name)) {
                (Some(variable), _) => format!("`{}` of `{}`", variable.name, self.function(f)),
                (None, slot) if slot.is_empty() || slot.starts_with('%') => format!("a temporary of `{}`", self.function(f)),
                (None, slot) => format!("`{slot}` of `{}`", self.function(f)),
            },
            ObjectKind::ByVal(f, parameter) => match self.variable(id) {
                Some(variable) => format!("`{}` of `{}`", variable.name, self.function(f)),
                None => format!("parameter {} of `{}`", parameter + 1, self.function(f)),
            },
            ObjectKind::Heap(site) => self.heap(id, site),
            ObjectKind::External => match tail(&object.name).as_str() {
                "unknown" => "memory of code that nobody knows".to_owned(),
                name => format!("memory of the library (`{name}`)"),
            },
            ObjectKind::Copy => format!("the copy of what `{}` returns", tail(&object.name)),
            ObjectKind::ExternalVariable(v) => format!("`{}` of the library", self.module.external_variables[v.index()].name),
            ObjectKind::Arguments => "the program's arguments and environment".to_owned(),
            ObjectKind::VarArgs(f) => format!("the variable arguments of `{}`", self.function(f)),
        }
    }

    fn heap(&self, id: ObjectId, site: SiteRef) -> String {
        let chain = &self.points_to.object(id).chain;
        // The outermost call tells objects apart; the allocation says what they are.
        let outer = chain.last().copied().unwrap_or(site);
        let by = self.callee(outer).unwrap_or("malloc");
        let how = format!("memory from `{by}` at {}", self.site(outer));
        if outer.function == site.function || chain.len() < 2 { format!("{how} in `{}`", self.function(outer.function)) } else { how }
    }

    /// A cell: its object, and which bytes if the object has others.
    #[must_use]
    pub fn cell(&self, cell: FieldId) -> String {
        let field = self.points_to.field(cell);
        let object = self.points_to.object(field.object);
        let name = self.object(field.object);
        if object.fields.1.0 - object.fields.0.0 < 2 {
            return name;
        }
        if let Some(variable) = self.variable(field.object)
            && let Some(member) = variable.member(field.offset, field.size)
        {
            return name.replacen(&format!("`{}`", variable.name), &format!("`{member}`"), 1);
        }
        format!("{name}, {}", bytes(field.offset, field.size))
    }

    /// A call: `` `read` at x.c:3 in `f` ``.
    #[must_use]
    pub fn call(&self, call: &CallSite) -> String {
        format!("`{}` {}", plain(&call.callee), explain::at_place(self.module, call.at))
    }

    /// What a load or store moves: `4-byte integer, member of struct stat`.
    #[must_use]
    pub fn access(&self, access: &Access) -> String {
        let base = match (access.class, access.declared) {
            (Class::Pointer, _) | (_, Declared::Pointer) => "pointer".to_owned(),
            (class, _) => data(class, access.size),
        };
        match access.record.and_then(|r| self.module.records.get(r as usize)) {
            Some(record) => format!("{base}, member of struct {}", record.name),
            None => base,
        }
    }
}

/// Bytes of an object: `bytes 8-15`.
#[must_use]
pub fn bytes(offset: u64, size: Option<u64>) -> String {
    match size {
        Some(0 | 1) => format!("byte {offset}"),
        Some(size) => format!("bytes {offset}-{}", offset.saturating_add(size) - 1),
        None => format!("bytes from {offset} on"),
    }
}

/// A value of a class.
#[must_use]
pub fn data(class: Class, size: u64) -> String {
    match class {
        Class::Void => "nothing".to_owned(),
        Class::Int(1) => "1-byte integer or character".to_owned(),
        Class::Int(bytes) => format!("{bytes}-byte integer"),
        Class::Pointer => "pointer".to_owned(),
        Class::Float if size == 4 => "float".to_owned(),
        Class::Float if size == 8 || size == 0 => "double".to_owned(),
        Class::Float | Class::Aggregate => format!("{size} bytes"),
    }
}

/// The name by which a C programmer knows an external: memory intrinsics are what they were in C.
#[must_use]
pub fn plain(callee: &str) -> &str {
    match callee {
        "llvm.memcpy" => "memcpy",
        "llvm.memmove" => "memmove",
        "llvm.memset" => "memset",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_names() {
        assert_eq!(data(Class::Int(4), 4), "4-byte integer");
        assert_eq!((bytes(4, Some(4)), bytes(4, Some(1)), bytes(4, None)), ("bytes 4-7".into(), "byte 4".into(), "bytes from 4 on".into()));
        assert_eq!(data(Class::Float, 4), "float");
        assert_eq!(data(Class::Aggregate, 16), "16 bytes");
        assert_eq!((plain("llvm.memcpy"), plain("read")), ("memcpy", "read"));
    }
}
