//! Reading a compiler command line: what each argument is, without touching the file system
//! (except for `@response` files, through a callback).

/// C or C++ (which driver the wrapper stands for).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `itarget-cc`.
    C,
    /// `itarget-c++`.
    Cxx,
}

/// What one item of the command line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// File to compile with our flags.
    Source,
    /// Assembly: compiled, but there is nothing in it for us.
    Assembly,
    /// Header to precompile.
    Header,
    /// File for the linker.
    Linkable,
    /// Option that only the linker understands.
    LinkOnly,
    /// `-o FILE`.
    Output,
    /// `-x LANGUAGE`.
    X,
    /// `-c`.
    C,
    /// Stops before an object file is made (`-E`, `-S`, `-M`, `-fsyntax-only`, ...).
    NoObject,
    /// Asks the driver about itself (`--version`, `-###`, `-print-...`).
    Query,
    /// `-O...`.
    Optimise,
    /// `-g...`.
    Debug,
    /// `-flto...`, `-ffat-lto-objects`: ours take their place.
    Lto,
    /// `-fuse-ld=`, `--ld-path=`, `-pie` and the like: ours take their place at link.
    Linker,
    /// `-static-pie`.
    StaticPie,
    /// `-shared` or `-r`.
    Partial,
    /// Code that our runtime can't live in (other target, no libc): left to clang alone.
    Foreign,
    /// `-fsanitize=...`, `-fno-sanitize=...`.
    Sanitize,
    /// Dependency output beside the object (`-MD`, `-MMD`).
    Depend,
    /// Name of the dependency file or of its target.
    DependName,
    /// Anything else: given to every step.
    Other,
}

/// One option or input with its separate value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The arguments as they were given (one or two).
    pub args: Vec<String>,
    /// What it is.
    pub what: What,
    /// Inputs: the language that `-x` gave, if any.
    pub x: Option<String>,
}

impl Item {
    /// Last of the arguments: the value or the input.
    #[must_use]
    pub fn value(&self) -> &str {
        self.args.last().map_or("", String::as_str)
    }
}

/// Options whose value is the next argument.
const SEPARATE: &[&str] = &[
    "--param", "--serialize-diagnostics", "--sysroot", "-A", "-B", "-D", "-F", "-G", "-I", "-L", "-MF",
    "-MJ", "-MQ", "-MT", "-T", "-Tbss", "-Tdata", "-Ttext", "-U", "-V", "-Xanalyzer", "-Xassembler",
    "-Xclang", "-Xlinker", "-Xopenmp-target", "-Xpreprocessor", "-arch", "-aux-info", "-b",
    "-cxx-isystem", "-dumpbase", "-dumpdir", "-e", "-framework", "-gcc-toolchain", "-idirafter",
    "-iframework", "-imacros", "-imultilib", "-include", "-include-pch", "-iprefix", "-iquote",
    "-isysroot", "-isystem", "-ivfsoverlay", "-iwithprefix", "-iwithprefixbefore", "-l", "-mllvm", "-o",
    "-rpath", "-specs", "-target", "-u", "-working-directory", "-wrapper", "-x", "-z",
];

/// Those of [`SEPARATE`], alone or joined, that go to the linker only.
const LINK_ONLY: &[&str] = &["-L", "-T", "-Tbss", "-Tdata", "-Ttext", "-Xlinker", "-e", "-l", "-rpath", "-u", "-z"];

const LINK_ONLY_FLAGS: &[&str] = &[
    "--no-undefined", "-rdynamic", "-s", "-static", "-static-libgcc", "-static-libstdc++", "-shared-libgcc",
    "-symbolic", "-Wl,--as-needed", "-no-canonical-prefixes",
];

/// Reads the arguments after the program name.
#[must_use]
pub fn parse(args: &[String]) -> Vec<Item> {
    let mut items = vec![];
    let mut x: Option<String> = None;
    let mut only_files = false;
    let mut i = 0;
    while i < args.len() {
        let a = &args[i];
        i += 1;
        if only_files || a == "-" || !a.starts_with('-') {
            items.push(Item { args: vec![a.clone()], what: input(a, x.as_deref()), x: x.clone() });
            continue;
        }
        if a == "--" {
            only_files = true;
            continue;
        }
        let mut all = vec![a.clone()];
        if SEPARATE.contains(&a.as_str())
            && let Some(value) = args.get(i)
        {
            all.push(value.clone());
            i += 1;
        }
        let what = option(a, all.get(1).map(String::as_str));
        if what == What::X {
            let name = if a == "-x" { all.get(1).cloned().unwrap_or_default() } else { a[2..].to_string() };
            x = (name != "none").then_some(name);
        }
        items.push(Item { args: all, what, x: None });
    }
    items
}

fn input(path: &str, x: Option<&str>) -> What {
    match x {
        Some("assembler" | "assembler-with-cpp") => return What::Assembly,
        Some(x) if x.ends_with("-header") => return What::Header,
        Some(_) => return What::Source,
        None => {}
    }
    if path == "-" {
        return What::Source;
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map_or("", |(_, e)| e) {
        "c" | "i" | "cc" | "cp" | "cxx" | "cpp" | "CPP" | "c++" | "C" | "ii" | "m" | "mi" | "mm" | "M" | "ll" | "bc" => {
            What::Source
        }
        "s" | "S" | "sx" => What::Assembly,
        "h" | "H" | "hh" | "hp" | "hxx" | "hpp" | "HPP" | "h++" | "tcc" => What::Header,
        _ => What::Linkable,
    }
}

fn option(a: &str, value: Option<&str>) -> What {
    match a {
        "-o" => return What::Output,
        "-x" => return What::X,
        "-c" => return What::C,
        "-E" | "-S" | "-M" | "-MM" | "-fsyntax-only" | "-emit-llvm" | "-emit-ast" | "--analyze" | "--precompile"
        | "--preprocess" | "-cc1" | "-cc1as" => return What::NoObject,
        "-###" | "--help" | "--version" | "-V" | "-dumpmachine" | "-dumpversion" | "-dumpfullversion" | "-dumpspecs" => {
            return What::Query;
        }
        "-MD" | "-MMD" => return What::Depend,
        "-MF" | "-MT" | "-MQ" => return What::DependName,
        "-shared" | "--shared" | "-r" | "-dynamiclib" => return What::Partial,
        "-pie" | "--pie" | "-no-pie" | "-nopie" | "--no-pie" | "-Wl,-pie" | "-Wl,--pie" | "-Wl,--pic-executable" => {
            return What::Linker;
        }
        "-static-pie" | "--static-pie" => return What::StaticPie,
        "-ffat-lto-objects" | "-fno-fat-lto-objects" | "-fno-lto" | "-fwhole-program-vtables" => return What::Lto,
        "-m32" | "-mx32" | "-m16" | "-nostdlib" | "--no-standard-libraries" | "-nostartfiles" | "-nodefaultlibs" | "-nolibc"
        | "-fno-integrated-as" => return What::Foreign,
        "-g" => return What::Debug,
        "-Wl,-r" | "-Wl,-shared" | "-Wl,--shared" | "-Wl,--relocatable" => return What::Partial,
        "-target" => return target(value.unwrap_or_default()),
        _ => {}
    }
    if let Some(triple) = a.strip_prefix("--target=") {
        return target(triple);
    }
    if a.starts_with("-print-") || a.starts_with("--print-") || a.starts_with("--help") || a.starts_with("-help") {
        return What::Query;
    }
    if a.starts_with("-fsanitize=") || a.starts_with("-fno-sanitize=") {
        return What::Sanitize;
    }
    if a.starts_with("-flto") {
        return What::Lto;
    }
    if a.starts_with("-fuse-ld") || a.starts_with("--ld-path") {
        return What::Linker;
    }
    if a.starts_with("-x") && a.len() > 2 && !a.starts_with("-xH") {
        return What::X;
    }
    if a.starts_with("-o") && a.len() > 2 && !a.starts_with("-object") {
        return What::Output;
    }
    if a.starts_with("-Wl,") || LINK_ONLY_FLAGS.contains(&a) || LINK_ONLY.contains(&a) {
        return What::LinkOnly;
    }
    if (a.starts_with("-L") || a.starts_with("-l") || a.starts_with("-u") || a.starts_with("-z")) && a.len() > 2 {
        return What::LinkOnly;
    }
    if a.starts_with("-O") {
        return What::Optimise;
    }
    let not_debug = ["-gcc-", "-grecord-", "-gno-", "-gz", "-gdwarf-as"];
    if a.starts_with("-g") && !not_debug.iter().any(|p| a.starts_with(p)) {
        return What::Debug;
    }
    if a.starts_with("-Wp,-MD") || a.starts_with("-Wp,-MMD") {
        return What::Depend;
    }
    if a.starts_with("-MF") || a.starts_with("-MT") || a.starts_with("-MQ") {
        return What::DependName;
    }
    What::Other
}

fn target(triple: &str) -> What {
    let ours = (triple.starts_with("x86_64") || triple.starts_with("amd64")) && triple.contains("linux");
    if ours { What::Other } else { What::Foreign }
}

/// Replaces `@file` by the arguments in the file, to a depth of 8. `read` gives the text, or
/// `None` when the file does not exist (then the argument stays as it is, as for gcc and clang).
#[must_use]
pub fn expand(args: &[String], read: &mut dyn FnMut(&str) -> Option<String>) -> Vec<String> {
    fn go(args: &[String], depth: u32, read: &mut dyn FnMut(&str) -> Option<String>, out: &mut Vec<String>) {
        for a in args {
            match a.strip_prefix('@').filter(|f| !f.is_empty() && depth < 8).and_then(&mut *read) {
                Some(text) => go(&words(&text), depth + 1, read, out),
                None => out.push(a.clone()),
            }
        }
    }
    let mut out = vec![];
    go(args, 0, read, &mut out);
    out
}

/// Splits the text of a response file: blanks separate; quotes and backslashes as in GNU tools.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let mut out = vec![];
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && quote.is_none() => out.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

/// Text of a response file that [`words`] reads back.
#[must_use]
pub fn response_text(args: &[String]) -> String {
    let mut out = String::new();
    for a in args {
        out.push('"');
        for c in a.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push_str("\"\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(s: &str) -> Vec<String> {
        s.split_whitespace().map(str::to_string).collect()
    }

    fn whats(s: &str) -> Vec<What> {
        parse(&v(s)).into_iter().map(|i| i.what).collect()
    }

    #[test]
    fn each_argument_is_what_it_is() {
        use What::*;
        let cases: &[(&str, &[What])] = &[
            ("-c a.c", &[C, Source]),
            ("-o a.c b.o", &[Output, Linkable]),
            ("-oa b.s c.S", &[Output, Assembly, Assembly]),
            ("-I x.c -D y.c", &[Other, Other]),
            ("-Xlinker x.c -Wl,-z,now -lm -l m", &[LinkOnly, LinkOnly, LinkOnly, LinkOnly]),
            ("-x c a.o -x none a.o", &[X, Source, X, Linkable]),
            ("-xassembler foo", &[X, Assembly]),
            ("-xc-header foo.c", &[X, Header]),
            ("-", &[Source]),
            ("-- -c", &[Linkable]),
            ("lib.so.1 lib.a dir.d/file", &[Linkable, Linkable, Linkable]),
            ("-g3 -ggdb -gdwarf-4 -g0", &[Debug, Debug, Debug, Debug]),
            ("-gcc-toolchain=/x -gsplit-dwarf", &[Other, Debug]),
            ("-O -O3 -Os", &[Optimise, Optimise, Optimise]),
            ("-target x86_64-linux-gnu --target=aarch64-linux-gnu", &[Other, Foreign]),
            ("-flto=thin -fno-lto -ffat-lto-objects", &[Lto, Lto, Lto]),
            ("-std=c99 -fPIC -pthread -march=native", &[Other, Other, Other, Other]),
            ("-MD -MF x.d -MT y", &[Depend, DependName, DependName]),
            ("-print-prog-name=ld --version", &[Query, Query]),
        ];
        for (line, expected) in cases {
            assert_eq!(&whats(line), expected, "{line}");
        }
    }

    #[test]
    fn a_separate_value_at_the_end_may_be_missing() {
        assert_eq!(whats("-o"), [What::Output]);
        assert_eq!(whats("-x"), [What::X]);
    }

    #[test]
    fn response_files() {
        assert_eq!(words("a 'b c' \"d\\\"e\" f\\ g\n\th ''"), ["a", "b c", "d\"e", "f g", "h", ""]);
        let args = v("a @r @missing @");
        let mut read = |f: &str| match f {
            "r" => Some("-c @s".to_string()),
            "s" => Some("'x y.c'".to_string()),
            "loop" => Some("@loop".to_string()),
            _ => None,
        };
        assert_eq!(expand(&args, &mut read), ["a", "-c", "x y.c", "@missing", "@"]);
        assert_eq!(expand(&v("@loop"), &mut read), ["@loop"]);
        let odd: Vec<String> = ["a b", "\"", "\\", "", "'"].map(String::from).to_vec();
        assert_eq!(words(&response_text(&odd)), odd);
    }
}
