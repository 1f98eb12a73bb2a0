//! Small C programs for tests of the points-to analysis.
#![allow(dead_code, reason = "each test file uses some of it")]

use itarget_analyzer::bitcode;
use itarget_analyzer::model::{Callee, InstrKind, Module};
use itarget_analyzer::points_to::{Options, Pointer, PointsTo, SiteRef, Target};
use itarget_annotations::Annotations;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A small C program and what its pointers may address.
pub struct Program {
    pub module: Module,
    pub result: PointsTo,
}

/// Compiles and analyses a program.
pub fn program(source: &str) -> Program {
    let mut clang = Command::new("clang-19")
        .args(["-O1", "-Xclang", "-disable-llvm-passes", "-g", "-w", "-emit-llvm", "-c", "-x", "c", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("clang-19 runs");
    clang.stdin.take().expect("piped").write_all(source.as_bytes()).expect("writes");
    let output = clang.wait_with_output().expect("ends");
    assert!(output.status.success());
    let module = bitcode::from_bytes("test", output.stdout).expect("loads");
    let result = PointsTo::solve(&module, Annotations::builtin(), &Options::default());
    Program { module, result }
}

impl Program {
    /// Names of the objects that the last load or store of a function accesses.
    pub fn last_access(&self, function: &str) -> BTreeSet<String> {
        let id = self.module.function(function).expect("is there");
        let f = &self.module.functions[id.index()];
        let is_access =
            |index: u32| matches!(f.instrs[index as usize].kind, InstrKind::Load { .. } | InstrKind::Store { .. });
        let (ordinal, _) = *f.sites.iter().rfind(|(_, index)| is_access(*index)).expect("accesses memory");
        let fields = self.result.access_merged(&self.module, SiteRef { function: id, ordinal }, Pointer::Address);
        fields.iter().map(|f| self.result.object(self.result.field(*f).object).name.clone()).collect()
    }

    /// The same, by the type of the access.
    pub fn last_access_by_type(&self, function: &str) -> BTreeSet<String> {
        let id = self.module.function(function).expect("is there");
        let f = &self.module.functions[id.index()];
        let accesses = f.instrs.iter().rev().find_map(|instr| match &instr.kind {
            InstrKind::Load { ptr, access, .. } | InstrKind::Store { ptr, access, .. } => Some((*ptr, access)),
            _ => None,
        });
        let (ptr, access) = accesses.expect("accesses memory");
        let fields = self.result.accessed(&self.module, id, ptr, access);
        fields.iter().map(|f| self.result.object(self.result.field(*f).object).name.clone()).collect()
    }

    /// What the indirect calls of a function may call; `?` is unknown code.
    pub fn called(&self, function: &str) -> BTreeSet<String> {
        let id = self.module.function(function).expect("is there");
        let f = &self.module.functions[id.index()];
        let mut names = BTreeSet::new();
        for (ordinal, index) in &f.sites {
            let InstrKind::Call(call) = &f.instrs[*index as usize].kind else { continue };
            if !matches!(call.callee, Callee::Indirect(_)) {
                continue;
            }
            for instance in self.result.instances_of(id) {
                names.extend(self.result.callees(*instance, *ordinal).iter().map(|target| match target {
                    Target::Function(i) => self.module.functions[self.result.instance(*i).function.index()].name.clone(),
                    Target::External(e) => self.module.externals[e.index()].name.clone(),
                    Target::Unknown => "?".to_owned(),
                }));
            }
        }
        names
    }

    /// Number of fields of an object.
    pub fn fields_of(&self, object: &str) -> usize {
        let all: Vec<_> = self.result.objects().iter().filter(|o| o.name == object).collect();
        assert_eq!(all.len(), 1, "{object}");
        (all[0].fields.1.0 - all[0].fields.0.0) as usize
    }
}

/// A set of names.
pub fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
