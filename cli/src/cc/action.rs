//! From a command line to what is to be run: a pure function.
//!
//! * Objects: clang with the pass plugin, which embeds the unoptimised bitcode; the object stays
//!   an ordinary native one.
//! * Executables: sources of the same command are compiled to temporary objects first, then lld
//!   links all bitcode with the pass plugin and our runtime, non-PIE.
//! * Everything else (preprocessing, queries, shared objects, `-r`, other targets, sanitizers,
//!   programs without libc) is clang's own business.

use super::args::{Item, What, parse};
use std::collections::BTreeSet;

/// Files of ours that the commands mention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The pass plugin.
    pub plugin: String,
    /// The runtime archive.
    pub runtime: String,
    /// Directory for temporary objects (made when it is needed).
    pub tmp: String,
}

/// What to do. All arguments are those after the program name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Clang alone; nothing of ours is needed.
    Plain {
        /// Arguments of clang.
        args: Vec<String>,
        /// Why nothing of ours goes in (for the log).
        why: &'static str,
    },
    /// One compilation with the plugin.
    Compile {
        /// Arguments of clang.
        args: Vec<String>,
    },
    /// An executable.
    Link(Link),
}

/// How an executable is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Compilations that come first.
    pub compiles: Vec<Vec<String>>,
    /// Arguments of the link.
    pub args: Vec<String>,
    /// The user's part of `args`, kept for `itarget relink`.
    pub user: Vec<String>,
    /// `0`, `1`, `2`, `3`, `s` or `z`.
    pub opt_level: String,
    /// Directory of the temporary objects among `user`.
    pub temporary: String,
}

impl Link {
    /// File name of the executable.
    #[must_use]
    pub fn program(&self) -> String {
        let items = parse(&self.user);
        let output = items.iter().rfind(|i| i.what == What::Output).map_or("a.out", output_of);
        output.rsplit('/').next().unwrap_or(output).to_string()
    }

    /// Whether the user has all symbols exported, so that it does not tell who uses a symbol.
    #[must_use]
    pub fn exports_all(&self) -> bool {
        let all = |a: &str| matches!(a, "-rdynamic" | "-E" | "-export-dynamic" | "--export-dynamic");
        self.user.iter().any(|a| a.strip_prefix("-Wl,").unwrap_or(a).split(',').any(all))
    }
}

/// The file of an item `-o FILE` or `-oFILE`.
fn output_of(item: &Item) -> &str {
    if item.args.len() == 2 { &item.args[1] } else { &item.args[0][2..] }
}

/// Decides.
#[must_use]
pub fn decide(args: &[String], files: &Files) -> Action {
    let items = parse(args);
    let has = |what: What| items.iter().any(|i| i.what == what);
    let plain = |why| Action::Plain { args: args.to_vec(), why };
    let inputs = [What::Source, What::Assembly, What::Header, What::Linkable];
    if has(What::Query) {
        return plain("a question to the driver");
    }
    // `-lfoo` alone is an input too.
    let library = items.iter().any(|i| i.what == What::LinkOnly && i.args[0].starts_with("-l"));
    if !library && !items.iter().any(|i| inputs.contains(&i.what)) {
        return plain("no input");
    }
    if has(What::NoObject) {
        return plain("no object is made");
    }
    let foreign = if sanitized(&items) {
        Some("sanitizers are not combined with recording")
    } else if has(What::Foreign) {
        Some("other target or no C library")
    } else if has(What::Partial) && !has(What::C) {
        Some("shared or relocatable output")
    } else {
        None
    };
    if let Some(why) = foreign {
        return Action::Plain { args: native(&items), why };
    }
    if has(What::C) || has(What::Header) {
        if has(What::Source) {
            let mut out = keep(&items, |w| w != What::Lto);
            out.extend(compile_flags(&items, Some(&files.plugin)));
            return Action::Compile { args: out };
        }
        if has(What::Header) {
            let mut out = keep(&items, |w| w != What::Lto);
            out.extend(compile_flags(&items, None));
            return Action::Plain { args: out, why: "precompiled header" };
        }
        return Action::Plain { args: keep(&items, |w| w != What::Lto), why: "assembly only" };
    }
    Action::Link(link(&items, files))
}

/// The flags that every compilation of ours has besides the user's.
fn compile_flags(items: &[Item], plugin: Option<&str>) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    if let Some(p) = plugin {
        out.push(format!("-fpass-plugin={p}"));
    }
    out.push("-fno-direct-access-external-data".into());
    out.push("-ftrivial-auto-var-init=zero".into());
    if opt_level(items).is_none_or(|o| o == "0") {
        out.extend(["-Xclang".into(), "-disable-O0-optnone".into()]);
    }
    // Types tell the analysis which functions a call through a pointer may enter; lines name what it finds.
    match items.iter().rfind(|i| i.what == What::Debug) {
        None => out.push("-g".into()),
        Some(d) if matches!(d.value(), "-g0" | "-ggdb0") => out.push("-gline-tables-only".into()),
        Some(_) => {}
    }
    out
}

/// Arguments for a link without our LTO. A relocatable link goes through GNU ld, which puts the bitcode of all objects into one section (lld
/// would leave it out); the link of an executable takes it apart ([`super::joined`]).
fn native(items: &[Item]) -> Vec<String> {
    let relocatable = items.iter().any(|i| i.what == What::Partial && matches!(i.args[0].as_str(), "-r" | "-Wl,-r" | "-Wl,--relocatable"));
    let c = items.iter().any(|i| i.what == What::C);
    let mut out =
        keep(items, |w| w != What::Lto && !(relocatable && w == What::Linker));
    if relocatable && !c {
        out.push("-fuse-ld=bfd".into());
    }
    out
}

fn keep(items: &[Item], want: impl Fn(What) -> bool) -> Vec<String> {
    items.iter().filter(|i| want(i.what.clone())).flat_map(|i| i.args.iter().cloned()).collect()
}

/// True when a sanitizer stays on.
fn sanitized(items: &[Item]) -> bool {
    let mut on = BTreeSet::new();
    for i in items.iter().filter(|i| i.what == What::Sanitize) {
        let a = i.value();
        let Some((option, list)) = a.split_once('=') else { continue };
        for name in list.split(',') {
            if option == "-fsanitize" {
                on.insert(name);
            } else if name == "all" {
                on.clear();
            } else {
                on.remove(name);
            }
        }
    }
    !on.is_empty()
}

/// The last `-O`, as lld and the plugin want it.
fn opt_level(items: &[Item]) -> Option<&'static str> {
    let last = items.iter().rfind(|i| i.what == What::Optimise)?;
    Some(match last.value() {
        "-O0" => "0",
        "-O" | "-O1" | "-Og" => "1",
        "-Os" => "s",
        "-Oz" => "z",
        "-O2" => "2",
        _ => "3",
    })
}

fn link(items: &[Item], files: &Files) -> Link {
    let output = items.iter().rfind(|i| i.what == What::Output).map(output_of);
    let mut compiles = vec![];
    let mut user: Vec<String> = vec![];
    let mut whole_archive = false;
    for item in items {
        match item.what {
            What::Source | What::Assembly => {
                let object = format!("{}/{}-{}.o", files.tmp, compiles.len(), stem(item.value()));
                compiles.push(compile_one(items, item, &object, output, files));
                user.push(object);
            }
            What::X | What::Lto | What::Linker | What::Depend | What::DependName | What::Header => {}
            What::StaticPie => user.push("-static".into()),
            _ => {
                for a in &item.args {
                    if a.contains("--no-whole-archive") {
                        whole_archive = false;
                    } else if a.contains("--whole-archive") {
                        whole_archive = true;
                    }
                }
                user.extend(item.args.iter().cloned());
            }
        }
    }
    let level = opt_level(items);
    let mut args = user.clone();
    if !compiles.is_empty() {
        args.push("-Qunused-arguments".into());
    }
    if whole_archive {
        args.push("-Wl,--no-whole-archive".into());
    }
    args.extend(link_flags(level.is_none(), files));
    Link { compiles, args, user, opt_level: level.unwrap_or("2").into(), temporary: files.tmp.clone() }
}

/// What every link of ours has besides the user's arguments.
#[must_use]
pub fn link_flags(default_level: bool, files: &Files) -> Vec<String> {
    let mut out: Vec<String> = ["-flto", "-ffat-lto-objects", "-fuse-ld=lld", "-no-pie"].map(String::from).to_vec();
    if default_level {
        out.push("-Wl,--lto-O2".into());
    }
    out.push(format!("-Wl,--load-pass-plugin={}", files.plugin));
    out.push(files.runtime.clone());
    out
}

fn compile_one(items: &[Item], input: &Item, object: &str, output: Option<&str>, files: &Files) -> Vec<String> {
    let mut args: Vec<String> = vec![];
    let mut depend = false;
    let (mut target, mut file) = (false, false);
    for i in items {
        match i.what {
            What::Source
            | What::Assembly
            | What::Header
            | What::Linkable
            | What::LinkOnly
            | What::Output
            | What::X
            | What::Lto
            | What::Linker
            | What::StaticPie => continue,
            What::Depend => {
                depend = true;
                file |= i.args[0].starts_with("-Wp,") && i.args[0].matches(',').count() > 1;
            }
            What::DependName => {
                file |= i.args[0].starts_with("-MF");
                target |= !i.args[0].starts_with("-MF");
            }
            // The .dwo file would be lost with the temporary object.
            What::Debug if i.args[0].starts_with("-gsplit-dwarf") => {
                args.push("-g".into());
                continue;
            }
            _ => {}
        }
        args.extend(i.args.iter().cloned());
    }
    if depend {
        let stem = stem(input.value());
        if !file {
            args.extend(["-MF".into(), output.map_or(format!("{stem}.d"), |o| with_extension(o, "d"))]);
        }
        if !target {
            args.extend(["-MT".into(), output.map_or(format!("{stem}.o"), str::to_string)]);
        }
    }
    if input.what == What::Source {
        args.extend(compile_flags(items, Some(&files.plugin)));
    }
    if let Some(x) = &input.x {
        args.extend(["-x".into(), x.clone()]);
    }
    args.extend(["-Qunused-arguments", "-c", "-o", object].map(String::from));
    // Inputs may begin with a dash only after `--`.
    if input.value().starts_with('-') && input.value() != "-" {
        args.push("--".into());
    }
    args.push(input.value().to_string());
    args
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ if name == "-" => "stdin",
        _ => name,
    }
}

fn with_extension(path: &str, extension: &str) -> String {
    let (dir, name) = path.rsplit_once('/').map_or(("", path), |(d, n)| (d, n));
    let slash = if path.contains('/') { "/" } else { "" };
    let base = name.rsplit_once('.').map_or(name, |(s, _)| s);
    format!("{dir}{slash}{base}.{extension}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(s: &str) -> Vec<String> {
        s.split_whitespace().map(str::to_string).collect()
    }

    fn act(s: &str) -> Action {
        let files = Files { plugin: "P.so".into(), runtime: "R.a".into(), tmp: "/t".into() };
        decide(&v(s), &files)
    }

    fn plain(s: &str) -> String {
        match act(s) {
            Action::Plain { args, .. } => args.join(" "),
            other => panic!("{s}: {other:?}"),
        }
    }

    fn compile(s: &str) -> String {
        match act(s) {
            Action::Compile { args } => args.join(" "),
            other => panic!("{s}: {other:?}"),
        }
    }

    fn linked(s: &str) -> Link {
        match act(s) {
            Action::Link(l) => l,
            other => panic!("{s}: {other:?}"),
        }
    }

    const OURS: &str = "-fpass-plugin=P.so -fno-direct-access-external-data -ftrivial-auto-var-init=zero";
    const LINK: &str = "-flto -ffat-lto-objects -fuse-ld=lld -no-pie";

    #[test]
    fn what_is_left_to_clang() {
        for s in [
            "", "-v", "--version", "-dumpmachine", "-print-search-dirs", "-### a.c", "-E a.c", "-E -", "-S a.c -o a.s",
            "-M a.c", "-MM a.c", "-fsyntax-only a.c", "-c -emit-llvm a.c", "-O2", "-x c", "-m32 -c a.c", "-nostdlib a.o",
            "-nostartfiles a.c", "-shared a.o -o a.so", "-shared -fPIC a.c -o a.so", "-c a.s", "-c -x assembler a",
            "--target=aarch64-linux-gnu -c a.c", "-fsanitize=address a.c", "-fsanitize=undefined,address -c a.c",
            "-E -dM -x c /dev/null", "-shared -fuse-ld=gold a.o",
        ] {
            assert_eq!(plain(s), s.trim());
        }
    }

    #[test]
    fn lto_of_the_user_never_survives() {
        assert_eq!(plain("-shared -flto a.o -o a.so"), "-shared a.o -o a.so");
        assert_eq!(plain("-fsanitize=thread -flto=thin -c a.c"), "-fsanitize=thread -c a.c");
        assert_eq!(compile("-O2 -g -flto=thin -ffat-lto-objects -c a.c"), format!("-O2 -g -c a.c {OURS}"));
        assert!(!linked("-flto=auto a.o -fno-lto").user.iter().any(|a| a.contains("lto")));
    }

    #[test]
    fn relocatable_links_keep_the_bitcode() {
        assert_eq!(plain("-r a.o b.o -o c.o"), "-r a.o b.o -o c.o -fuse-ld=bfd");
        assert_eq!(plain("-r -nostdlib -fuse-ld=lld a.o"), "-r -nostdlib a.o -fuse-ld=bfd");
    }

    #[test]
    fn objects() {
        assert_eq!(compile("-O2 -g -c a.c -o a.o"), format!("-O2 -g -c a.c -o a.o {OURS}"));
        assert_eq!(compile("-c a.c -O3"), format!("-c a.c -O3 {OURS} -g"));
        for s in ["-c a.c -g", "-O0 -g -c a.c", "-O2 -O0 -g -c a.c"] {
            assert_eq!(compile(s), format!("{s} {OURS} -Xclang -disable-O0-optnone"));
        }
        assert_eq!(compile("-Og -g0 -c a.c"), format!("-Og -g0 -c a.c {OURS} -gline-tables-only"));
        assert_eq!(compile("-O2 -g -shared -fPIC -c a.c"), format!("-O2 -g -shared -fPIC -c a.c {OURS}"));
        assert_eq!(compile("-O2 -g -x c -c - -o x"), format!("-O2 -g -x c -c - -o x {OURS}"));
        assert_eq!(
            compile("-fsanitize=address -fno-sanitize=all -O1 -g -c a.c"),
            format!("-fsanitize=address -fno-sanitize=all -O1 -g -c a.c {OURS}")
        );
        assert!(compile("-O2 -g -MD -MF x.d -MT y -c a.c -I b.c").starts_with("-O2 -g -MD -MF x.d -MT y -c a.c -I b.c "));
    }

    #[test]
    fn precompiled_headers_get_the_language_flags_only() {
        let s = plain("-O2 -g -x c-header a.h -o a.pch");
        assert!(s.ends_with("-ftrivial-auto-var-init=zero") && !s.contains("plugin"), "{s}");
    }

    #[test]
    fn links_of_objects() {
        let l = linked("-O2 a.o lib.a -L. -lz -o app -pie -fuse-ld=gold -Wl,-z,now");
        assert_eq!(l.compiles, Vec::<Vec<String>>::new());
        assert_eq!(l.user.join(" "), "-O2 a.o lib.a -L. -lz -o app -Wl,-z,now");
        assert_eq!(l.args.join(" "), format!("{} {LINK} -Wl,--load-pass-plugin=P.so R.a", l.user.join(" ")));
        assert_eq!((l.opt_level.as_str(), l.temporary.as_str(), l.program().as_str()), ("2", "/t", "app"));
        assert_eq!((linked("a.o").program(), linked("a.o -osub/x -o .libs/y").program()), ("a.out".into(), "y".into()));
        let l = linked("a.o");
        assert!(l.args.contains(&"-Wl,--lto-O2".to_string()));
        assert_eq!(linked("-static-pie a.o").user.join(" "), "-static a.o");
        assert_eq!(linked("-Os a.o").opt_level, "s");
        let l = linked("-Wl,--whole-archive a.a b.o");
        assert!(l.args.contains(&"-Wl,--no-whole-archive".to_string()));
        assert!(!linked("-Wl,--whole-archive a.a -Wl,--no-whole-archive").args.ends_with(&["-Wl,--no-whole-archive".into()]));
        assert!(matches!(act("-lfoo"), Action::Link(_)));
    }

    #[test]
    fn sources_and_link_in_one_command() {
        let l = linked("-O2 -g -DX a.c sub/b.c c.s d.o -I. -lm -L. -o app");
        assert_eq!(l.user.join(" "), "-O2 -g -DX /t/0-a.o /t/1-b.o /t/2-c.o d.o -I. -lm -L. -o app");
        assert_eq!(l.compiles[0].join(" "), format!("-O2 -g -DX -I. {OURS} -Qunused-arguments -c -o /t/0-a.o a.c"));
        assert_eq!(l.compiles[2].join(" "), "-O2 -g -DX -I. -Qunused-arguments -c -o /t/2-c.o c.s");
        let l = linked("-O1 -g -x c a.x -x none b.o");
        assert_eq!(l.compiles[0].join(" "), format!("-O1 -g {OURS} -x c -Qunused-arguments -c -o /t/0-a.o a.x"));
        assert_eq!(l.user.join(" "), "-O1 -g /t/0-a.o b.o");
        let l = linked("-O1 -g -x c - -o out");
        assert!(l.compiles[0].ends_with(&["/t/0-stdin.o".into(), "-".into()]));
    }

    #[test]
    fn dependency_files_of_one_step_builds_keep_their_names() {
        let of = |s: &str| linked(s).compiles[0].join(" ");
        assert!(of("-MD a.c -o out/app.x").contains("-MD -MF out/app.d -MT out/app.x"));
        assert!(of("-MMD src/a.c -oq.x").contains("-MMD -MF q.d -MT q.x"));
        assert!(of("-MMD src/a.c").contains("-MMD -MF a.d -MT a.o"));
        assert!(of("-MD -MF q.d a.c -o app").contains("-MD -MF q.d -MT app"));
        assert!(of("-Wp,-MD,q.d a.c -o app").contains("-Wp,-MD,q.d -MT app"));
        assert!(!linked("-MD -MF q.d a.c -o app").user.iter().any(|a| a.starts_with("-M")));
    }
}
