//! The annotation files that come with itarget: complete, free of doubles, quick to read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use itarget_annotations::{Annotations, Kind, Len, Ret, Root, Show, Varargs, VariableKind};

fn files() -> Vec<(String, String)> {
    fn walk(dir: &Path, root: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if !path.starts_with(root.join("src")) && !path.starts_with(root.join("tests")) {
                    walk(&path, root, found);
                }
            } else if path.extension().is_some_and(|e| e == "toml") && !path.ends_with("Cargo.toml")
            {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn every_file_is_embedded_and_parses_and_no_name_is_in_two() {
    let mut owner: BTreeMap<String, String> = BTreeMap::new();
    for (name, text) in files() {
        let set = Annotations::parse(&name, &text).unwrap_or_else(|error| panic!("\n{error}"));
        for function in set.functions() {
            let before = owner.insert(function.name.clone(), name.clone());
            assert_eq!(before, None, "{} is in {name} too", function.name);
            assert_eq!(
                Annotations::builtin().function(&function.name),
                Some(function),
                "{name}"
            );
        }
        for variable in set.variables() {
            let before = owner.insert(variable.name.clone(), name.clone());
            assert_eq!(before, None, "{} is in {name} too", variable.name);
            assert_eq!(
                Annotations::builtin().variable(&variable.name),
                Some(variable),
                "{name}"
            );
        }
    }
    let builtin = Annotations::builtin();
    assert_eq!(
        owner.len(),
        builtin.functions().count() + builtin.variables().count()
    );
    assert!(owner.len() > 1000);
}

#[test]
fn what_real_programs_call_is_annotated() {
    let wanted = include_str!("../coverage.txt");
    let builtin = Annotations::builtin();
    let mut missing = Vec::new();
    for line in wanted.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('!') {
            Some(left_out) => {
                let (name, reason) = left_out.split_once(' ').unwrap();
                assert!(!reason.is_empty());
                assert_eq!(
                    builtin.function(name),
                    None,
                    "{name} is annotated: drop the `!`"
                );
            }
            None if builtin.function(line).is_none() => missing.push(line),
            None => {}
        }
    }
    assert!(wanted.lines().count() > 400);
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn functions_come_sorted_by_name() {
    let names: Vec<&str> = Annotations::builtin()
        .functions()
        .map(|f| f.name.as_str())
        .collect();
    assert!(names.is_sorted());
}

#[test]
fn deterministic_functions_that_change_memory_in_place_say_that_they_read_it() {
    for (name, arg) in [
        ("strcat", 0),
        ("strncat", 0),
        ("strtok_r", 0),
        ("strtok_r", 2),
        ("strsep", 0),
        ("sigaddset", 0),
        ("mbrtowc", 3),
        ("timegm", 0),
        ("rand_r", 0),
        ("qsort", 0),
        ("cfmakeraw", 0),
        ("dirname", 0),
    ] {
        let function = Annotations::builtin().function(name).unwrap();
        assert!(
            function.reads.iter().any(|region| region.arg == arg),
            "{name} reads {arg}"
        );
        assert!(
            function.writes.iter().any(|region| region.arg == arg),
            "{name} writes {arg}"
        );
    }
}

#[test]
fn a_few_annotations_say_what_they_should() {
    let builtin = Annotations::builtin();
    let function = |name: &str| builtin.function(name).unwrap();

    let read = function("read");
    assert_eq!((read.kind, read.ret), (Kind::Env, Ret::Int));
    assert_eq!(read.writes[0].arg, 1);
    assert_eq!(read.writes[0].len.to_string(), "min(ret, arg2)");

    let snprintf = function("snprintf");
    assert_eq!(snprintf.kind, Kind::DetLocale);
    assert_eq!(snprintf.varargs, Some(Varargs::Printf(2)));
    assert_eq!(snprintf.writes[0].len.to_string(), "min(ret + 1, arg1)");

    let strtol = function("strtol").pointers.as_deref().unwrap();
    assert_eq!(strtol[0].dst.root, Root::Arg(1));
    assert_eq!((strtol[0].dst.derefs, strtol[0].dst.offset), (1, Some(0)));
    assert_eq!(
        (&strtol[0].src.root, strtol[0].src.derefs),
        (&Root::Arg(0), 0)
    );

    assert_eq!(
        function("malloc").runtime.as_deref(),
        Some("__itarget_malloc")
    );
    assert_eq!(function("malloc").ret, Ret::Alloc);
    assert_eq!(function("fputs").show, Some(Show::Stream(1)));
    assert_eq!(function("gmtime").ret, Ret::Copy(56));
    assert_eq!(function("gmtime").kind, Kind::Env);
    assert_eq!(function("rand").kind, Kind::Native);
    assert!(
        function("pthread_create")
            .reason
            .as_deref()
            .unwrap()
            .contains("threads")
    );
    assert_eq!(function("qsort").callbacks[0].args.len(), 2);

    let fcntl = function("fcntl");
    let get_lock = fcntl.case(1, 5).unwrap().writes.as_deref().unwrap();
    assert_eq!((get_lock[0].arg, &get_lock[0].len), (2, &Len::Const(32)));
    assert_eq!(fcntl.case(1, 3), None);

    assert_eq!(
        builtin.variable("stdout").unwrap().kind,
        VariableKind::Constant
    );
    assert_eq!(
        builtin.variable("optarg").unwrap().kind,
        VariableKind::Native
    );
}

#[test]
fn later_annotations_win() {
    let mut set = Annotations::builtin().clone();
    let later = "[[function]]\nnames = [\"read\"]\nkind = \"det\"\nret = \"int\"\n";
    set.merge(Annotations::parse("mine.toml", later).unwrap());
    let read = set.function("read").unwrap();
    assert_eq!((read.kind, read.source.as_str()), (Kind::Det, "mine.toml"));
    assert!(set.function("write").is_some());
}
