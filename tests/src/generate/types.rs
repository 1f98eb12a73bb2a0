//! Types of the generated programs: what is declared, how a value of a type is made from a number and how it is
//! read as one. Everything is an `unsigned long` on the way, so that no arithmetic overflows and no conversion is
//! undefined.

use fastrand::Rng;

/// Arithmetic types.
pub const ARITHMETIC: &[&str] = &[
    "_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned", "long", "unsigned long",
    "int64_t", "float", "double", "long double",
];

/// A type of a variable, parameter or result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ty {
    /// Results only.
    Void,
    /// One of [`ARITHMETIC`].
    Arith(&'static str),
    /// A structure by value.
    Struct(usize),
    /// Four numbers or more.
    Longs,
    /// A structure.
    Pointer(usize),
    /// A string in a buffer of 64 bytes that may be changed.
    Chars,
    /// A string of up to 40 bytes.
    Text,
    /// What is handed up and down the stack.
    Context,
    /// `long f(int, long)`.
    Function,
}

impl Ty {
    /// The declaration of a variable of the type.
    #[must_use]
    pub fn declare(self, name: &str) -> String {
        match self {
            Ty::Void => format!("void {name}"),
            Ty::Arith(a) => format!("{a} {name}"),
            Ty::Struct(k) => format!("struct s{k} {name}"),
            Ty::Longs => format!("long *{name}"),
            Ty::Pointer(k) => format!("struct s{k} *{name}"),
            Ty::Chars => format!("char *{name}"),
            Ty::Text => format!("const char *{name}"),
            Ty::Context => format!("struct ctx *{name}"),
            Ty::Function => format!("fa {name}"),
        }
    }
}

/// An arithmetic value made of a number.
#[must_use]
pub fn arith(ty: &str, u: &str) -> String {
    match ty {
        "_Bool" => format!("(_Bool)(({u}) & 1)"),
        "float" => format!("(float)(({u}) % 1000) / 4"),
        "double" => format!("(double)(({u}) % 4000) / 8"),
        "long double" => format!("(long double)(({u}) % 500) / 2"),
        _ => format!("({ty})({u})"),
    }
}

/// An arithmetic value as a number.
#[must_use]
pub fn number(ty: &str, e: &str) -> String {
    if matches!(ty, "float" | "double" | "long double") {
        format!("(unsigned long)(long)({e} * 8)")
    } else {
        format!("(unsigned long)({e})")
    }
}

/// A member of a structure.
#[derive(Debug, Clone)]
pub enum Member {
    /// A number.
    Arith(&'static str),
    /// A bit-field of so many bits.
    Bits(u32),
    /// An array of `long`.
    Longs(usize),
    /// An array of `char`, a string.
    Name(usize),
    /// A structure.
    Nested(usize),
    /// A union of a number and its bytes.
    Union,
    /// A pointer to four numbers or more that live as long as the program, or null.
    Pointer,
    /// A pointer to a structure that lives as long as the program, or null.
    Other(usize),
    /// A function, or null.
    Function,
}

/// A structure.
#[derive(Debug, Clone)]
pub struct Struct {
    /// Its number.
    pub index: usize,
    /// Its members, `m0` and so on.
    pub members: Vec<Member>,
}

impl Struct {
    /// A structure that may hold those with smaller numbers.
    pub fn random(rng: &mut Rng, index: usize) -> Struct {
        let members = (0..rng.usize(1..=if index == 0 { 3 } else { 7 })).map(|_| match rng.u32(0..16) {
            0..6 => Member::Arith(ARITHMETIC[rng.usize(0..ARITHMETIC.len())]),
            6 => Member::Bits(rng.u32(1..=31)),
            7 => Member::Bits(rng.u32(1..=7)),
            8 => Member::Longs(rng.usize(2..=6)),
            9 => Member::Name(rng.usize(5..=19)),
            10 if index > 0 => Member::Nested(rng.usize(0..index)),
            11 => Member::Union,
            12 => Member::Pointer,
            13 => Member::Other(rng.usize(0..=index)),
            14 => Member::Function,
            _ => Member::Arith("int"),
        });
        Struct { index, members: members.collect() }
    }

    /// The definition.
    #[must_use]
    pub fn define(&self) -> String {
        let members: Vec<String> = (self.members.iter().enumerate())
            .map(|(i, m)| match m {
                Member::Arith(a) => format!("{a} m{i};"),
                Member::Bits(n) => format!("unsigned m{i} : {n};"),
                Member::Longs(n) => format!("long m{i}[{n}];"),
                Member::Name(n) => format!("char m{i}[{n}];"),
                Member::Nested(k) => format!("struct s{k} m{i};"),
                Member::Union => format!("union {{ unsigned long l; unsigned char c[8]; unsigned short h; }} m{i};"),
                Member::Pointer => format!("long *m{i};"),
                Member::Other(k) => format!("struct s{k} *m{i};"),
                Member::Function => format!("fa m{i};"),
            })
            .collect();
        format!("struct s{} {{ {} }};\n", self.index, members.join(" "))
    }

    /// A statement that sets member `i` of the structure `of`.
    #[must_use]
    pub fn set(&self, rng: &mut Rng, of: &str, i: usize, u: &str) -> String {
        match &self.members[i] {
            Member::Arith(a) => format!("{of}.m{i} = {};", arith(a, u)),
            Member::Bits(n) => format!("{of}.m{i} = (unsigned)({u}) & {}u;", (1u64 << n) - 1),
            Member::Longs(n) => format!("{of}.m{i}[({u}) % {n}] = (long)({u});"),
            Member::Name(n) => format!("snprintf({of}.m{i}, {n}, \"%lu\", (unsigned long)({u}));"),
            Member::Nested(k) => format!("{of}.m{i} = mk{k}({u});"),
            Member::Union => match rng.u32(0..3) {
                0 => format!("{of}.m{i}.l = {u};"),
                1 => format!("{of}.m{i}.c[({u}) & 7] = (unsigned char)({u});"),
                _ => format!("{of}.m{i}.h = (unsigned short)({u});"),
            },
            Member::Pointer => format!("{of}.m{i} = gp[({u}) & 3];"),
            Member::Other(k) => format!("{of}.m{i} = ({u}) & 1 ? &gs{k} : gsp{k};"),
            Member::Function => format!("{of}.m{i} = tab[({u}) % TAB];"),
        }
    }

    /// The functions that make one from a number, and a number from one.
    #[must_use]
    pub fn functions(&self, rng: &mut Rng) -> [(String, String); 2] {
        let k = self.index;
        let mut make = format!("struct s{k} s;");
        if rng.bool() {
            make += " memset(&s, 0, sizeof s);";
        }
        let mut hash = format!("unsigned long h = {k};");
        for (i, m) in self.members.iter().enumerate() {
            make += "\n    ";
            make += &match m {
                Member::Longs(n) => format!("for (int i = 0; i < {n}; i++) s.m{i}[i] = (long)(u >> i);"),
                Member::Name(n) => format!("memset(s.m{i}, 0, {n}); snprintf(s.m{i}, {n}, \"%lx\", u);"),
                Member::Union => format!("s.m{i}.l = u * 3;"),
                _ => self.set(rng, "s", i, &format!("(u >> {i})")),
            };
            hash += "\n    ";
            hash += &match m {
                Member::Arith(a) => format!("h = h * 31 + {};", number(a, &format!("p->m{i}"))),
                Member::Bits(_) => format!("h = h * 31 + p->m{i};"),
                Member::Longs(n) => format!("for (int i = 0; i < {n}; i++) h = h * 31 + (unsigned long)p->m{i}[i];"),
                Member::Name(_) => format!("h = h * 31 + strlen(p->m{i}) + (unsigned char)p->m{i}[0];"),
                Member::Nested(j) => format!("h = h * 31 + hs{j}(&p->m{i});"),
                Member::Union => format!("h = h * 31 + p->m{i}.l + p->m{i}.c[3] + p->m{i}.h;"),
                Member::Pointer => format!("if (p->m{i}) h = h * 31 + (unsigned long)p->m{i}[1];"),
                Member::Other(_) => format!("h = h * 31 + (p->m{i} != 0);"),
                Member::Function => format!("if (p->m{i}) h = h * 31 + (unsigned long)p->m{i}(0, 5);"),
            };
        }
        [
            (format!("struct s{k} mk{k}(unsigned long u)"), format!("    {make}\n    return s;\n")),
            (format!("unsigned long hs{k}(const struct s{k} *p)"), format!("    {hash}\n    return h;\n")),
        ]
    }
}
