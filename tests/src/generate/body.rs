//! Functions of the generated programs and their statements.
//!
//! Rules that keep the behaviour defined: pointers that outlive a call lead to objects that live as long as the
//! program; what a function frees, it has made or been given for that; a frame that is left by longjmp
//! changes nothing that its caller relies on.

use super::types::{ARITHMETIC, Struct, Ty, arith, number};
use super::{Function, HASHES, JUMPS, Kind, Sig, plain};
use fastrand::Rng;

/// A variable that a statement may use.
#[derive(Debug, Clone)]
pub struct Var {
    name: String,
    ty: Ty,
    /// It may be written.
    local: bool,
}

/// Writes functions.
pub struct Writer<'a> {
    pub rng: &'a mut Rng,
    pub structs: &'a [Struct],
    pub sigs: &'a [Sig],
    /// Calls that the function at hand may still make.
    pub calls: u32,
    /// Blocks around the statement at hand.
    pub nested: u32,
    pub vars: Vec<Var>,
    /// For names of locals.
    pub names: u32,
}

impl Writer<'_> {
    pub(super) fn odds(&mut self, one_in: u32) -> bool {
        self.rng.u32(0..one_in) == 0
    }

    pub(super) fn pick<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of[self.rng.usize(0..of.len())]
    }

    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    pub(super) fn structure(&mut self) -> usize {
        self.rng.usize(0..self.structs.len())
    }

    /// A variable of a type, and its name.
    pub(super) fn var(&mut self, is: impl Fn(Ty) -> bool) -> Option<Var> {
        let found: Vec<&Var> = self.vars.iter().filter(|v| is(v.ty)).collect();
        (!found.is_empty()).then(|| found[self.rng.usize(0..found.len())].clone())
    }

    // Expressions.

    /// A number.
    pub(super) fn u(&mut self) -> String {
        self.expr(2)
    }

    fn expr(&mut self, depth: u32) -> String {
        if depth == 0 || self.odds(4) {
            return self.atom();
        }
        let (a, b) = (self.expr(depth - 1), self.expr(depth - 1));
        match self.rng.u32(0..8) {
            0 => format!("({a} + {b})"),
            1 => format!("({a} * 5 - {b})"),
            2 => format!("({a} ^ {b})"),
            3 => format!("({a} & 0xffff | {b})"),
            4 => format!("({a} >> {})", self.rng.u32(1..32)),
            5 => format!("({a} % {} ? {b} : {a})", self.rng.u32(2..9)),
            6 => format!("({a} % {})", self.rng.u32(3..1000)),
            _ => format!("({a} < {b} ? {} : {b})", self.rng.u32(0..99)),
        }
    }

    fn atom(&mut self) -> String {
        match self.rng.u32(0..16) {
            0 => format!("{}ul", self.rng.u32(0..5000)),
            1..7 => match self.var(|_| true) {
                Some(v) => self.read(&v.name, v.ty),
                None => "(unsigned long)d".into(),
            },
            7 => format!("hash{}", self.rng.usize(0..HASHES)),
            8 => "st->h".into(),
            9..11 => {
                let k = self.rng.usize(0..ARITHMETIC.len());
                number(ARITHMETIC[k], &format!("g{k}"))
            }
            11 => format!("(unsigned long)ga{}[{}]", self.rng.u32(0..2), self.rng.u32(0..8)),
            12 => self.pick(&["(unsigned long)gstk[2]", "(unsigned long)gp[1][3]", "strlen(gc0)", "(unsigned char)gc1[1]", "(unsigned long)gvol"]).into(),
            13 => {
                let k = self.structure();
                self.pick(&["hs{k}(&gs{k})", "hs{k}(gsp{k})"]).replace("{k}", &k.to_string())
            }
            14 => self.pick(&["(unsigned long)gv.n", "(gdup ? strlen(gdup) : 3)", "(glist ? (unsigned long)glist->v : 4)", "(unsigned long)st->v.cap"]).into(),
            _ => match self.var(|t| matches!(t, Ty::Longs | Ty::Pointer(_) | Ty::Chars)) {
                // Addresses are the same at replay.
                Some(v) => format!("((unsigned long)(uintptr_t){} & 0xfff0)", v.name),
                None => "7ul".into(),
            },
        }
    }

    pub(super) fn read(&mut self, name: &str, ty: Ty) -> String {
        match ty {
            Ty::Void => "0ul".into(),
            Ty::Arith(a) => number(a, name),
            Ty::Struct(k) => format!("hs{k}(&{name})"),
            Ty::Longs => format!("(unsigned long){name}[{}]", self.rng.u32(0..4)),
            Ty::Pointer(k) => format!("hs{k}({name})"),
            Ty::Chars | Ty::Text => if self.rng.bool() { format!("strlen({name})") } else { format!("(unsigned char){name}[0]") },
            Ty::Context => self.pick(&["(unsigned long)X->n", "(unsigned long)X->buf[1]", "hs0(X->s)", "hs0(&X->own)", "strlen(X->name)"]).replace('X', name),
            Ty::Function => format!("(unsigned long){name}(0, 3)"),
        }
    }

    /// A value to pass for a parameter.
    pub(super) fn argument(&mut self, ty: Ty) -> String {
        if let Some(v) = self.var(|t| t == ty).filter(|_| self.rng.u32(0..3) > 0) {
            return v.name;
        }
        let u = self.u();
        match ty {
            Ty::Longs => self.pick(&["ga0", "(ga1 + 4)", "gp[2]", "gp[0]", "gstk"]).into(),
            Ty::Pointer(k) => self.pick(&["&gs{k}", "gsp{k}"]).replace("{k}", &k.to_string()),
            Ty::Chars => self.pick(&["gc0", "gc1"]).into(),
            Ty::Text => self.pick(&["\"literal\"", "gc0", "gc1", "\"\"", "some"]).into(),
            // One of the function at hand.
            Ty::Context => "&own".into(),
            Ty::Function => self.pick(&["f0", "tab[TAB - 1]", "op"]).into(),
            ty => plain(ty, &u),
        }
    }

    pub(super) fn mix(&mut self, value: &str) -> String {
        match self.rng.usize(0..=HASHES) {
            HASHES => format!("MIXH({value});"),
            k => format!("MIX({k}, {value});"),
        }
    }

    pub(super) fn mixed(&mut self) -> String {
        let u = self.u();
        self.mix(&u)
    }

    // Functions.

    /// A function of the program.
    pub fn function(&mut self, sig: &Sig) -> Function {
        self.vars.clear();
        self.calls = self.rng.u32(0..=3);
        self.nested = 0;
        let head = sig.head(self.rng);
        let (mut open, body, close);
        match sig.kind {
            Kind::Compare => {
                let other = self.mix("*(const long *)x + n");
                open = "    static long n;\n    int d = 0;\n    const long *a = x, *b = y;\n".to_owned();
                self.calls = 0;
                body = vec!["n++;".to_owned(), other, self.mixed()];
                close = "    return (*a > *b) - (*a < *b);\n".to_owned();
            }
            Kind::AtExit => {
                open = format!("    int d = 2;\n    ending = 1;\n    for (int i = 0; i < {JUMPS}; i++) active[i] = 0;\n");
                open += &self.locals();
                body = self.statements(4);
                close = String::new();
            }
            Kind::Jumper => {
                (open, body, close) = self.jumper(sig);
            }
            Kind::Variadic => {
                (open, body, close) = self.variadic(sig);
            }
            Kind::Maker => {
                (open, body, close) = self.maker(sig);
            }
            Kind::A | Kind::B | Kind::Usual | Kind::Input => {
                let params = sig.params.iter().enumerate();
                self.vars = params.map(|(i, t)| Var { name: format!("a{i}"), ty: *t, local: !matches!(t, Ty::Context) }).collect();
                if sig.kind == Kind::B {
                    self.vars.push(Var { name: "c".into(), ty: Ty::Context, local: false });
                }
                let end = plain(sig.ret, "d + 11ul");
                open = format!("    if (d <= 0) return {end};\n");
                open += &self.locals();
                let many = self.rng.usize(2..=7);
                let mut list = self.statements(many);
                if sig.kind == Kind::Input || self.odds(4) {
                    let at = self.rng.usize(0..=list.len());
                    let input = self.input();
                    list.insert(at, input);
                }
                body = list;
                close = self.give(sig.ret);
            }
        }
        Function { name: sig.name.clone(), head, open, body, close, table: match sig.kind { Kind::A => 'a', Kind::B => 'b', _ => ' ' } }
    }

    fn give(&mut self, ty: Ty) -> String {
        let u = self.u();
        let own = self.var(|t| t == ty && matches!(t, Ty::Arith(_) | Ty::Struct(_))).map(|v| v.name);
        match (ty, own) {
            (Ty::Void, _) => String::new(),
            (_, Some(v)) if self.rng.bool() => format!("    return {v};\n"),
            (Ty::Longs, _) if self.odds(3) => "    static long kept[6] = { 1, 2, 3, 4, 5, 6 };\n    kept[d & 3]++;\n    return kept;\n".into(),
            (Ty::Pointer(k), _) if self.rng.bool() => format!("    return gsp{k};\n"),
            _ => format!("    return {};\n", plain(ty, &u)),
        }
    }

    /// Declarations of locals.
    fn locals(&mut self) -> String {
        let u = self.u();
        let mut out = format!(
            "    long room[6] = {{ 1, 2, (long)({u}), 4 }};\n    char word[64] = \"{}\";\n    struct s0 mine = mk0({u});
    struct ctx own = {{ room, &mine, 5, tabb[0], word, mk0(7), 1.5 }};\n",
            self.pick(&["alpha", "be", "", "delta delta"])
        );
        let mut add = |name: &str, ty| self.vars.push(Var { name: name.into(), ty, local: true });
        add("room", Ty::Longs);
        add("word", Ty::Chars);
        add("mine", Ty::Struct(0));
        for _ in 0..self.rng.u32(0..4) {
            let ty = match self.rng.u32(0..6) {
                0 => Ty::Struct(self.structure()),
                1 => Ty::Longs,
                2 => Ty::Function,
                3 => Ty::Pointer(self.structure()),
                _ => Ty::Arith(ARITHMETIC[self.rng.usize(0..ARITHMETIC.len())]),
            };
            let name = self.name();
            let value = self.argument(ty);
            // A pointer that may lead to a buffer that goes away is not kept in a static.
            let constant = self.odds(5) && matches!(ty, Ty::Arith(_));
            let volatile = if self.odds(6) && matches!(ty, Ty::Arith(_)) { "volatile " } else { "" };
            if constant {
                out += &format!("    static {} = 5;\n", ty.declare(&name));
            } else {
                out += &format!("    {volatile}{} = {value};\n", ty.declare(&name));
            }
            self.vars.push(Var { name, ty, local: true });
        }
        out
    }

    fn statements(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.statement()).collect()
    }

    fn jumper(&mut self, sig: &Sig) -> (String, Vec<String>, String) {
        let j = self.rng.usize(0..JUMPS);
        let end = plain(sig.ret, "d + 2ul");
        let saved: Vec<String> = (0..JUMPS).map(|i| format!("    const int was{i} = active[{i}];\n")).collect();
        let mut open = format!("    if (d <= 0 || active[{j}] || ending) return {end};\n    volatile unsigned long sum = 5;\n    long *const stk = gstk;\n");
        open += &saved.concat();
        self.calls = 2;
        let (before, call) = (self.call(), self.call());
        let set = if self.odds(3) { "_setjmp" } else { "setjmp" };
        let (m1, m2) = (self.mix("r + 1"), self.mix("sum"));
        let block = format!(
            "{{ active[{j}] = 1; int r = {set}(JB{j}); if (r == 0) {{ sum += 3; {before} {call} }} else {{ {m1} sum = sum * 7 + (unsigned long)r; }}
      active[0] = was0; active[1] = was1; active[2] = was2; gstk = stk; }}"
        );
        self.calls = 1;
        let mut body = vec![block, m2];
        // Nothing that the statement keeps in a local lives across the jump.
        let more = self.call();
        body.push(more);
        (open, body, format!("    return {};\n", plain(sig.ret, "sum")))
    }

    fn variadic(&mut self, sig: &Sig) -> (String, Vec<String>, String) {
        let end = plain(sig.ret, "d + 3ul");
        let mut open = format!("    if (d <= 0) return {end};\n");
        open += &self.locals();
        let m = self.mix("sum");
        let inner = self.call();
        let print = if self.odds(3) {
            let m = self.mix("strlen(line)");
            format!("if (what[0] == 'i' && !what[1]) {{ char line[64]; va_start(l, what); vsnprintf(line, 60, \"%d\", l); va_end(l); {m} }}")
        } else {
            String::new()
        };
        let body = vec![
            format!(
                "{{ va_list l; va_start(l, what); unsigned long sum = 1;
      for (const char *w = what; *w; w++) switch (*w) {{
        case 'i': sum = sum * 31 + (unsigned long)va_arg(l, int); break;
        case 'l': sum = sum * 31 + va_arg(l, unsigned long); break;
        case 'd': sum = sum * 31 + (unsigned long)(long)va_arg(l, double); break;
        case 'D': sum = sum * 31 + (unsigned long)(long)va_arg(l, long double); break;
        case 't': sum = sum * 31 + strlen(va_arg(l, const char *)); break;
        case 'p': {{ long *p = va_arg(l, long *); sum += (unsigned long)p[1]; p[2] = (long)sum; break; }}
        case 's': {{ struct s0 s = va_arg(l, struct s0); sum = sum * 31 + hs0(&s); break; }}
      }}
      va_end(l); {print} {m} }}"
            ),
            inner,
        ];
        let close = self.give(sig.ret);
        (open, body, close)
    }

    fn maker(&mut self, sig: &Sig) -> (String, Vec<String>, String) {
        self.vars.push(Var { name: "a0".into(), ty: Ty::Arith("unsigned"), local: false });
        let (guard, open, close) = if sig.ret == Ty::Longs {
            let n = "(4 + a0 % 5)";
            let make = match self.rng.u32(0..3) {
                0 => format!("long *r = malloc({n} * sizeof *r); for (unsigned i = 0; i < {n}; i++) r[i] = (long)(i * a0);"),
                1 => format!("long *r = calloc({n}, sizeof *r);"),
                _ => format!("long *r = malloc(2 * sizeof *r); r[0] = 3; r[1] = (long)a0; r = realloc(r, {n} * sizeof *r); for (unsigned i = 2; i < {n}; i++) r[i] = (long)(i + a0);"),
            };
            ("calloc(4, sizeof(long))".to_owned(), format!("    {make}\n"), "    return r;\n".to_owned())
        } else {
            let make = match self.rng.u32(0..3) {
                0 => "char *r = malloc(64); memset(r, 0, 64); strcpy(r, gc0);".to_owned(),
                1 => "char *r = calloc(1, 64); snprintf(r, 40, \"%u!\", a0);".to_owned(),
                _ => "char *r = strdup(\"0123456789012345678901234567890123456789012345678901234567890123456789\"); r[a0 % 30] = 0;".to_owned(),
            };
            ("calloc(1, 64)".to_owned(), format!("    {make}\n"), "    return r;\n".to_owned())
        };
        let mut all = format!("    if (d <= 0) return {guard};\n");
        all += &open;
        self.vars.push(Var { name: "r".into(), ty: sig.ret, local: false });
        self.calls = self.calls.min(1);
        let body = if self.calls > 0 { let c = self.call(); vec![self.mixed(), c] } else { vec![self.mixed()] };
        (all, body, close)
    }

    /// The function that makes what lives on the heap as long as the program.
    pub fn setup(&mut self) -> Function {
        let mut open = String::from("    st = calloc(1, sizeof *st);\n    hb = malloc(sizeof *hb);\n    st->op = tab[0]; op = tab[TAB - 1]; ob = tabb[0];\n");
        for k in 0..self.structs.len() {
            open += &format!("    gsp{k} = malloc(sizeof *gsp{k}); *gsp{k} = mk{k}({k} + 9); gs{k} = mk{k}({k});\n");
        }
        open += "    gp[3] = calloc(8, sizeof(long));\n    some = getenv(\"GENERATED\"); if (!some || strlen(some) > 40) some = \"none\";\n";
        Function { name: "setup".into(), head: "static void setup(void)".into(), open, body: vec![], close: String::new(), table: ' ' }
    }

    /// The start.
    pub fn main(&mut self, others: &[Function]) -> Function {
        self.vars.clear();
        self.calls = 12;
        self.nested = 0;
        let mut open = String::from("    int d = 4;\n    setup();\n");
        open += &self.locals();
        let many = self.rng.usize(6..=12);
        let mut body = Vec::new();
        for _ in 0..many {
            let statement = if self.rng.bool() { self.call() } else { self.statement() };
            body.push(statement);
        }
        // Most functions are called by somebody.
        for sig in self.sigs {
            if !others.iter().any(|f| f.name != sig.name && f.mentions(&sig.name)) {
                let call = self.call_of(sig);
                body.insert(self.rng.usize(0..=body.len()), call);
            }
        }
        let handlers: Vec<String> = self.sigs.iter().filter(|s| s.kind == Kind::AtExit).map(|s| s.name.clone()).collect();
        for h in handlers {
            body.insert(self.rng.usize(0..=body.len()), format!("if (handlers++ < 6) atexit({h});"));
        }
        let hashes: Vec<String> = (0..HASHES).map(|k| format!("hash{k}")).collect();
        let mut close = format!("    unsigned long all = st->h ^ {};\n", hashes.join(" ^ "));
        for k in 0..self.structs.len() {
            close += &format!("    all = all * 31 + hs{k}(&gs{k}) + hs{k}(gsp{k});\n");
        }
        close += "    for (int i = 0; i < 8; i++) all = all * 31 + (unsigned long)ga0[i] + (unsigned long)ga1[i + 8];\n";
        close += "    printf(\"end %lx\\n\", all);\n    return (int)(all >> 20 & 63);\n";
        Function { name: "main".into(), head: "int main(int argc, char **argv)".into(), open, body, close, table: ' ' }
    }

    // Statements.

    /// Text that may use another variable.
    pub(super) fn with(&mut self, name: &str, ty: Ty, text: impl Fn(&mut Self) -> String) -> String {
        self.vars.push(Var { name: name.into(), ty, local: false });
        let out = text(self);
        self.vars.pop();
        out
    }

    /// Any statement.
    fn statement(&mut self) -> String {
        match self.rng.u32(0..40) {
            0..8 if self.calls > 0 => self.call(),
            0..10 => self.assign(),
            10..15 => self.mixed(),
            15..18 => self.heap(),
            18..21 => self.memory(),
            21..24 => self.strings(),
            24..26 => self.sorts(),
            26..29 if self.nested < 2 => self.block(),
            29..31 => self.input(),
            31 => self.prints(),
            32 => self.ends(),
            33..35 => self.stack(),
            _ => self.pointers(),
        }
    }

    fn block(&mut self) -> String {
        self.nested += 1;
        let kept = self.vars.clone();
        let n = self.name();
        let list = |me: &mut Self| { let k = me.rng.usize(1..=2); me.statements(k).join(" ") };
        let u = self.u();
        let out = match self.rng.u32(0..4) {
            0 => {
                let inner = list(self);
                format!("for (int {n} = 0; {n} < {}; {n}++) {{ {inner} }}", self.rng.u32(2..4))
            }
            1 => {
                let (a, b) = (list(self), list(self));
                format!("if (({u}) & 1) {{ {a} }} else {{ {b} }}")
            }
            2 => {
                let (a, b) = (list(self), list(self));
                format!("switch (({u}) % 3) {{ case 0: {{ {a} }} break; case 1: {{ {b} }} /* fall through */ default: ; }}")
            }
            _ => {
                let inner = list(self);
                format!("{{ volatile int {n} = 2; do {{ {inner} }} while (--{n} > 0); }}")
            }
        };
        self.vars = kept;
        self.nested -= 1;
        out
    }

    /// A call of a function of the program.
    pub(super) fn call(&mut self) -> String {
        if self.calls == 0 {
            return self.mixed();
        }
        let sig = self.sigs[self.rng.usize(0..self.sigs.len())].clone();
        self.call_of(&sig)
    }

    /// A call of this function, or of one like it.
    fn call_of(&mut self, sig: &Sig) -> String {
        self.calls = self.calls.saturating_sub(1);
        let n = self.name();
        // Jumpers and handlers have no locals to hand on.
        let has_own = self.vars.iter().any(|v| v.name == "room");
        if sig.params.contains(&Ty::Context) && !has_own {
            return self.mixed();
        }
        let u = self.u();
        match sig.kind {
            Kind::Compare | Kind::AtExit => self.through(),
            Kind::B if !has_own => self.through(),
            Kind::B => match self.rng.u32(0..3) {
                0 => format!("{}({}, d - 1);", sig.name, self.argument(Ty::Context)),
                1 => format!("own.cb = tabb[({u}) % TABB]; own.cb(&own, d - 1);"),
                _ => {
                    let m = self.mix(&format!("{n}.n + {n}.buf[2]"));
                    format!("{{ struct ctx {n} = own; {n}.x = 2.5; {n}.n = (int)({u} & 255); {}(&{n}, d - 1); {m} }}", sig.name)
                }
            },
            Kind::Maker => {
                let m = self.read(&n, sig.ret);
                let m = self.mix(&m);
                self.vars.push(Var { name: n.clone(), ty: sig.ret, local: false });
                let inner = if self.calls > 0 { self.call() } else { self.mixed() };
                self.vars.pop();
                format!("{{ {} = {}(d - 1, (unsigned)({u})); {m} {inner} free({n}); }}", sig.ret.declare(&n), sig.name)
            }
            Kind::Variadic => {
                let mut what = String::new();
                let mut args = String::new();
                for _ in 0..self.rng.u32(0..=8) {
                    let u = self.u();
                    let (c, a) = match self.rng.u32(0..7) {
                        0 => ('i', format!("(int)({u})")),
                        1 => ('l', u),
                        2 => ('d', arith("double", &u)),
                        3 => ('D', arith("long double", &u)),
                        4 => ('t', self.argument(Ty::Text)),
                        5 => ('p', self.argument(Ty::Longs)),
                        _ => ('s', format!("mk0({u})")),
                    };
                    what.push(c);
                    args += &format!(", {a}");
                }
                let call = format!("{}(d - 1, \"{what}\"{args})", sig.name);
                self.use_result(&call, sig.ret)
            }
            _ => {
                if sig.kind == Kind::A && self.rng.bool() {
                    return self.through();
                }
                let args: Vec<String> = sig.params.clone().into_iter().map(|t| format!(", {}", self.argument(t))).collect();
                let call = format!("{}(d - 1{})", sig.name, args.concat());
                self.use_result(&call, sig.ret)
            }
        }
    }

    /// A call through a pointer.
    fn through(&mut self) -> String {
        let u = self.u();
        let f = match self.var(|t| t == Ty::Function) {
            Some(v) if self.rng.bool() => v.name,
            _ => self.pick(&["tab[X % TAB]", "op", "st->op"]).replace('X', &format!("({u})")),
        };
        let call = format!("{f}(d - 1, (long)({u}))");
        self.use_result(&call, Ty::Arith("long"))
    }

    fn use_result(&mut self, call: &str, ty: Ty) -> String {
        let n = self.name();
        match ty {
            Ty::Void => format!("{call};"),
            _ if self.odds(6) => format!("{call};"),
            Ty::Struct(k) => {
                let m = self.mix(&format!("hs{k}(&{n})"));
                let keep = if self.rng.bool() { format!(" gs{k} = {n};") } else { String::new() };
                format!("{{ struct s{k} {n} = {call}; {m}{keep} }}")
            }
            Ty::Arith(a) => {
                let same: Option<Var> = self.var(|t| t == ty).filter(|v| v.local);
                match same {
                    Some(v) if self.rng.bool() => format!("{} = {call};", v.name),
                    _ => { let r = number(a, call); self.mix(&r) }
                }
            }
            ty => {
                let read = self.read(&n, ty);
                let m = self.mix(&read);
                format!("{{ {} = {call}; {m} }}", ty.declare(&n))
            }
        }
    }

    fn assign(&mut self) -> String {
        let u = self.u();
        let var = self.var(|_| true).filter(|_| self.rng.bool());
        match var {
            Some(Var { name, ty, local }) => match ty {
                Ty::Arith(a) if local => format!("{name} = {};", arith(a, &u)),
                Ty::Struct(k) => {
                    let i = self.rng.usize(0..self.structs[k].members.len());
                    self.structs[k].set(self.rng, &name, i, &u)
                }
                Ty::Pointer(k) => {
                    let i = self.rng.usize(0..self.structs[k].members.len());
                    self.structs[k].set(self.rng, &format!("(*{name})"), i, &u)
                }
                Ty::Longs => format!("{name}[({u}) & 3] = (long)({u});"),
                Ty::Context => {
                    let i = self.rng.usize(0..self.structs[0].members.len());
                    match self.rng.u32(0..4) {
                        0 => format!("{name}->n = (int)({u});"),
                        1 => format!("{name}->buf[({u}) & 3] = (long)({u});"),
                        2 => self.structs[0].set(self.rng, &format!("(*{name}->s)"), i, &u),
                        _ => self.structs[0].set(self.rng, &format!("{name}->own"), i, &u),
                    }
                }
                Ty::Function if local => format!("{name} = tab[({u}) % TAB];"),
                _ => self.mixed(),
            },
            None => {
                let k = self.rng.usize(0..ARITHMETIC.len());
                let s = self.structure();
                let i = self.rng.usize(0..self.structs[s].members.len());
                match self.rng.u32(0..6) {
                    0 => self.structs[s].set(self.rng, &format!("gs{s}"), i, &u),
                    1 => self.structs[s].set(self.rng, &format!("(*gsp{s})"), i, &u),
                    2 => format!("ga{}[({u}) & 7] = (long)({u});", self.rng.u32(0..2)),
                    3 => format!("gvol += (long)({u} & 1023); gvol &= 0xffff;"),
                    _ => format!("g{k} = {};", arith(ARITHMETIC[k], &u)),
                }
            }
        }
    }
}
