//! Random small C programs whose behaviour is known: they end, have no undefined behaviour, and fold all that their
//! functions compute into numbers that the status and the digests of a replay depend on.
//!
//! A program is a list of functions, a function a list of statements that stand for themselves: any of them can be
//! left out (see [`crate::reduce`]). Calls carry a depth that goes down, so every program ends.

mod body;
mod statements;
mod types;

use fastrand::Rng;
use types::{ARITHMETIC, Struct, Ty, arith};

/// A function.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Result, name and parameters.
    pub head: String,
    /// Declarations and what must come first.
    pub open: String,
    /// Statements.
    pub body: Vec<String>,
    /// What comes last.
    pub close: String,
    /// The table of function pointers that it is in: `a`, `b` or none.
    pub table: char,
}

impl Function {
    /// The text has this name in it.
    #[must_use]
    pub fn mentions(&self, name: &str) -> bool {
        let found = |text: &String| {
            let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
            text.match_indices(name).any(|(at, _)| {
                !text[..at].ends_with(inside) && !text[at + name.len()..].starts_with(inside)
            })
        };
        found(&self.open) || found(&self.close) || self.body.iter().any(found)
    }
}

/// A program.
#[derive(Debug, Clone)]
pub struct Program {
    /// What it was made from.
    pub seed: u64,
    /// Types and variables.
    pub head: String,
    /// All functions; the last one is `main`.
    pub functions: Vec<Function>,
}

impl Program {
    /// The C text.
    #[must_use]
    pub fn source(&self) -> String {
        let mut out = self.head.clone();
        for f in self.functions.iter().filter(|f| f.name != "main") {
            out += &format!("{};\n", f.head);
        }
        out += &self.tables();
        for f in &self.functions {
            out += &format!("\n{} {{\n{}", f.head, f.open);
            for s in &f.body {
                out += &format!("    {s}\n");
            }
            out += &format!("{}}}\n", f.close);
        }
        out
    }

    /// Tables of functions that may be called through pointers.
    fn tables(&self) -> String {
        let of = |table: char| -> Vec<&str> {
            self.functions.iter().filter(|f| f.table == table).map(|f| f.name.as_str()).collect()
        };
        let (a, b) = (of('a'), of('b'));
        format!(
            "static const fa tab[] = {{ {} }};\n#define TAB {}\nstatic const fb tabb[] = {{ {} }};\n#define TABB {}\n",
            a.join(", "),
            a.len(),
            b.join(", "),
            b.len()
        )
    }

    /// Names of the functions that there is a way to: a compiler may leave others out.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let named = |f: &Function| f.name == "main" || f.table != ' ';
        let mut reached: Vec<&Function> = self.functions.iter().filter(|f| named(f)).collect();
        let mut next = 0;
        while let Some(&f) = reached.get(next) {
            next += 1;
            for other in &self.functions {
                if !reached.iter().any(|r| r.name == other.name) && f.mentions(&other.name) {
                    reached.push(other);
                }
            }
        }
        let in_order = self.functions.iter().filter(|f| reached.iter().any(|r| r.name == f.name));
        in_order.map(|f| f.name.as_str()).collect()
    }

    /// Targets worth a try, as `ITARGET_CC_TARGET` takes them.
    #[must_use]
    pub fn targets(&self, rng: &mut Rng, count: usize) -> Vec<String> {
        let names = self.names();
        let mut out: Vec<String> = Vec::new();
        while out.len() < count {
            let one = names[rng.usize(0..names.len())];
            let other = names[rng.usize(0..names.len())];
            let target = match rng.u32(0..10) {
                0 => one.to_owned(),
                1 => "!main".to_owned(),
                2 if one != "main" => format!("{one}:!main"),
                3 if one != "main" => format!("main:!{one}"),
                4 if one != other => format!("{one}:!{other}"),
                5 => format!("!{one}"),
                kind => {
                    let (mut include, mut exclude) = (Vec::new(), Vec::new());
                    let odds = rng.u32(2..6);
                    for name in &names {
                        match rng.u32(0..odds) {
                            0 if kind > 6 => include.push((*name).to_owned()),
                            1 => exclude.push(format!("!{name}")),
                            _ => {}
                        }
                    }
                    include.extend(exclude);
                    include.join(":")
                }
            };
            if !target.is_empty() {
                out.push(target);
            }
        }
        out
    }
}

/// What kind of function it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Parameters and result of all types.
    Usual,
    /// `long f(int, long)`.
    A,
    /// `void f(struct ctx *, int)`.
    B,
    /// It calls setjmp.
    Jumper,
    /// Variable arguments.
    Variadic,
    /// It returns memory that the caller frees.
    Maker,
    /// A comparison for qsort.
    Compare,
    /// A handler of exit.
    AtExit,
    /// It asks the environment.
    Input,
}

/// A function that can be called.
#[derive(Debug, Clone)]
struct Sig {
    name: String,
    kind: Kind,
    ret: Ty,
    params: Vec<Ty>,
}

impl Sig {
    fn head(&self, rng: &mut Rng) -> String {
        let mut params: Vec<String> = vec!["int d".into()];
        params.extend(self.params.iter().enumerate().map(|(i, t)| t.declare(&format!("a{i}"))));
        let params = match self.kind {
            Kind::B => "struct ctx *c, int d".into(),
            Kind::Variadic => "int d, const char *what, ...".into(),
            Kind::Compare => "const void *x, const void *y".into(),
            Kind::AtExit => "void".into(),
            _ => params.join(", "),
        };
        let mut how = String::new();
        if rng.u32(0..10) < 6 {
            how += "__attribute__((noinline)) ";
        }
        if rng.u32(0..10) < 7 {
            how += "static ";
        }
        format!("{how}{}", self.ret.declare(&format!("{}({params})", self.name)))
    }
}

/// Numbers that everything is folded into: variables, and one on the heap.
const HASHES: usize = 4;
/// Buffers that setjmp fills.
const JUMPS: usize = 3;

/// The program of a seed.
#[must_use]
pub fn program(seed: u64) -> Program {
    let mut rng = Rng::with_seed(seed);
    let structs: Vec<Struct> = (0..rng.usize(1..=4)).map(|k| Struct::random(&mut rng, k)).collect();
    let mut sigs: Vec<Sig> = Vec::new();
    let count = rng.usize(3..=17);
    for i in 0..count {
        // One of each that something depends on comes first.
        let kind = match i {
            0 => Kind::A,
            1 => Kind::B,
            2 => Kind::Compare,
            _ => match rng.u32(0..20) {
                0..7 => Kind::Usual,
                7..9 => Kind::A,
                9..11 => Kind::B,
                11..13 => Kind::Jumper,
                13 => Kind::Variadic,
                14..16 => Kind::Maker,
                16 => Kind::AtExit,
                17 => Kind::Compare,
                _ => Kind::Input,
            },
        };
        sigs.push(signature(&mut rng, i, kind, structs.len()));
    }
    let mut functions: Vec<Function> = Vec::new();
    for s in &structs {
        for (head, text) in s.functions(&mut rng) {
            let name = head.split('(').next().and_then(|h| h.rsplit([' ', '*']).next()).unwrap_or_default().to_owned();
            let head = if rng.bool() { format!("static {head}") } else { head };
            functions.push(Function { name, head, open: text, body: vec![], close: String::new(), table: ' ' });
        }
    }
    let mut writer = body::Writer { rng: &mut rng, structs: &structs, sigs: &sigs, calls: 0, nested: 0, vars: vec![], names: 0 };
    for sig in &sigs {
        functions.push(writer.function(sig));
    }
    functions.push(writer.setup());
    let main = writer.main(&functions);
    functions.push(main);
    Program { seed, head: head(&mut rng, &structs, seed), functions }
}

fn signature(rng: &mut Rng, i: usize, kind: Kind, structs: usize) -> Sig {
    let name = format!("f{i}");
    let arithmetic = |rng: &mut Rng| Ty::Arith(ARITHMETIC[rng.usize(0..ARITHMETIC.len())]);
    let (ret, params) = match kind {
        Kind::A => (Ty::Arith("long"), vec![Ty::Arith("long")]),
        Kind::B | Kind::AtExit => (Ty::Void, vec![]),
        Kind::Compare => (Ty::Arith("int"), vec![]),
        Kind::Jumper | Kind::Variadic | Kind::Input => (arithmetic(rng), vec![]),
        Kind::Maker => (if rng.bool() { Ty::Longs } else { Ty::Chars }, vec![Ty::Arith("unsigned")]),
        Kind::Usual => {
            let ret = match rng.u32(0..10) {
                0 => Ty::Void,
                1..4 => Ty::Struct(rng.usize(0..structs)),
                4 => Ty::Longs,
                5 => Ty::Pointer(rng.usize(0..structs)),
                6 => Ty::Function,
                _ => arithmetic(rng),
            };
            let count = if rng.u32(0..4) == 0 { rng.usize(6..=10) } else { rng.usize(0..=4) };
            let params = (0..count).map(|_| match rng.u32(0..14) {
                0..2 => Ty::Struct(rng.usize(0..structs)),
                2 => Ty::Longs,
                3 => Ty::Pointer(rng.usize(0..structs)),
                4 => Ty::Chars,
                5 => Ty::Text,
                6 => Ty::Context,
                7 => Ty::Function,
                _ => arithmetic(rng),
            });
            (ret, params.collect())
        }
    };
    Sig { name, kind, ret, params }
}

/// Types and variables.
fn head(rng: &mut Rng, structs: &[Struct], seed: u64) -> String {
    let mut out = format!("// Random program {seed}.\n");
    for h in [
        "alloca", "errno", "fcntl", "setjmp", "stdarg", "stdint", "stdio", "stdlib", "string", "time", "unistd", "sys/stat", "sys/time",
    ] {
        out += &format!("#include <{h}.h>\n");
    }
    out += "struct ctx;\ntypedef long (*fa)(int, long);\ntypedef void (*fb)(struct ctx *, int);\n";
    for s in structs {
        out += &s.define();
    }
    out += "struct ctx { long *buf; struct s0 *s; int n; fb cb; char *name; struct s0 own; double x; };
struct node { struct node *next; long v; struct s0 load; char *name; };
struct vec { long *data; unsigned n, cap; };
struct state { unsigned long h; struct node *list; fa op; struct vec v; };
";
    let link = |rng: &mut Rng| if rng.bool() { "static " } else { "" };
    for k in 0..HASHES {
        out += &format!("{}unsigned long hash{k};\n", link(rng));
    }
    for k in 0..structs.len() {
        out += &format!("{0}struct s{k} gs{k};\n{0}struct s{k} *gsp{k};\n", link(rng));
    }
    for (k, ty) in ARITHMETIC.iter().enumerate() {
        out += &format!("{}{ty} g{k};\n", link(rng));
    }
    out += &format!(
        "{}long ga0[8], ga1[16];\nstatic long *gp[4] = {{ ga0, ga1, ga1 + 4, ga0 + 2 }};\nstatic long *gstk = ga0;
{}struct state *st;\nstatic struct vec gv;\nstatic struct node *glist;\nstatic volatile long gvol;\nstatic char *gdup;
{}char gc0[64] = \"start\", gc1[64];\nstatic jmp_buf jb[{JUMPS}];\nstatic int active[{JUMPS}];\nstatic int ending, handlers, fd = -1;
static fa op;\nstatic fb ob;\nstatic jmp_buf *hb;
static const char *some = \"some\";
#define JB0 (jb[0])
#define JB1 (jb[1])
#define JB2 (*hb)
#define MIX(k, v) (hash##k = (hash##k ^ (unsigned long)(v)) * 0x9E3779B97F4A7C15ul + 1)
#define MIXH(v) (st->h = (st->h ^ (unsigned long)(v)) * 0x9E3779B97F4A7C15ul + 3)\n",
        link(rng),
        link(rng),
        link(rng)
    );
    out
}

/// A value of a type that needs nothing from the surroundings.
fn plain(ty: Ty, u: &str) -> String {
    match ty {
        Ty::Void => String::new(),
        Ty::Arith(a) => arith(a, u),
        Ty::Struct(k) => format!("mk{k}({u})"),
        Ty::Longs => format!("gp[({u}) & 3]"),
        Ty::Pointer(k) => format!("&gs{k}"),
        Ty::Chars => "gc1".into(),
        Ty::Text => "\"text\"".into(),
        Ty::Context => "0".into(),
        Ty::Function => format!("tab[({u}) % TAB]"),
    }
}
