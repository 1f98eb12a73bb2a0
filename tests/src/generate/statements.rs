//! Statements of the generated programs that use the library: heap, memory, strings, sorting, input, output, ends.

use super::body::Writer;
use super::types::Ty;
use super::{JUMPS, Kind};

impl Writer<'_> {
    pub(super) fn heap(&mut self) -> String {
        let (n, u) = (self.name(), self.u());
        let vec = self.pick(&["gv", "st->v"]);
        let list = self.pick(&["glist", "st->list"]);
        match self.rng.u32(0..9) {
            0 => {
                let m = self.mix(&format!("{n}[1]"));
                let inner = self.with(&n, Ty::Longs, Self::call);
                format!("{{ long *{n} = malloc(5 * sizeof(long)); for (int i = 0; i < 5; i++) {n}[i] = (long)({u}); {inner} {m} free({n}); }}")
            }
            1 => {
                let s = self.structure();
                let m = self.mix(&format!("hs{s}({n})"));
                let inner = self.with(&n, Ty::Pointer(s), Self::call);
                format!("{{ struct s{s} *{n} = malloc(sizeof *{n}); *{n} = mk{s}({u}); {inner} {m} free({n}); }}")
            }
            2 => format!(
                "if ({vec}.n >= 40) {{ free({vec}.data); {vec}.data = 0; {vec}.n = {vec}.cap = 0; }}
      if ({vec}.n == {vec}.cap) {{ {vec}.cap = {vec}.cap * 2 + 2; {vec}.data = realloc({vec}.data, {vec}.cap * sizeof(long)); }}
      {vec}.data[{vec}.n++] = (long)({u});"
            ),
            3 => {
                let m = self.mix(&n.to_string());
                format!("{{ unsigned long {n} = 0; for (unsigned i = 0; i < {vec}.n; i++) {n} = {n} * 3 + (unsigned long){vec}.data[i]; {m} }}")
            }
            4..6 => format!(
                "{{ struct node *{n} = {}; {n}->v = (long)({u}); {n}->load = mk0({u}); {n}->name = strdup({}); {n}->next = {list}; {list} = {n}; }}",
                if self.rng.bool() { format!("malloc(sizeof *{n})") } else { format!("calloc(1, sizeof *{n})") },
                self.pick(&["gc0", "gc1", "\"node\"", "some"])
            ),
            6 => {
                let m = self.mix(&format!("{n}->v + strlen({n}->name) + hs0(&{n}->load)"));
                format!("if ({list}) {{ struct node *{n} = {list}; {list} = {n}->next; {m} free({n}->name); free({n}); }}")
            }
            7 => {
                let m = self.mix(&format!("{n}->v * 3 + strlen({n}->name)"));
                format!("for (struct node *{n} = {list}; {n}; {n} = {n}->next) {m}")
            }
            _ => format!("free(gdup); gdup = strdup({}); if (gdup[0]) gdup[0] = (char)('a' + ({u}) % 26);", self.pick(&["gc0", "gc1", "\"copy\""])),
        }
    }

    pub(super) fn memory(&mut self) -> String {
        let (s, u) = (self.structure(), self.u());
        let a = self.argument(Ty::Longs);
        let b = self.argument(Ty::Longs);
        let p = self.argument(Ty::Pointer(s));
        let m = self.mix("r != 0");
        match self.rng.u32(0..7) {
            0 => format!("memmove({a}, {b}, 4 * sizeof(long));"),
            1 => format!("if ({a} != {b}) {{ long t[4]; memcpy(t, {b}, sizeof t); memcpy({a}, t, sizeof t); }}"),
            2 => format!("{{ struct s{s} t = mk{s}({u}); memcpy({p}, &t, sizeof t); }}"),
            3 => format!("{{ struct s{s} t[3] = {{ mk{s}({u}), mk{s}(3), gs{s} }}; t[1] = t[({u}) % 3]; gs{s} = t[1]; *gsp{s} = t[({u}) & 1]; }}"),
            4 => format!("memset({p}, 0, sizeof(struct s{s}));"),
            5 => format!("{{ int r = memcmp({a}, {b}, 16); {m} }}"),
            _ => format!("memset(ga1, (int)({u} & 127), sizeof(long) * 3);"),
        }
    }

    pub(super) fn strings(&mut self) -> String {
        let (n, u) = (self.name(), self.u());
        let to = self.argument(Ty::Chars);
        let from = self.argument(Ty::Text);
        let m = self.mix(&n);
        match self.rng.u32(0..9) {
            0 => format!("if ({to} != {from}) strcpy({to}, {from});"),
            1 => format!("if ({to} != {from}) snprintf({to}, 40, \"%lu-%s\", ({u}) % 1000, {from});"),
            2 => format!("snprintf({to}, 30, \"%d %.2f %c\", (int)(({u}) & 0xff), (double)(({u}) % 100) / 4, 'x');"),
            3 => format!("if ({to} != {from} && strlen({to}) + strlen({from}) < 40) strcat({to}, {from});"),
            4 => format!("{{ char *{n}s = strdup({from}); if ({n}s[0]) {n}s[0] ^= 1; unsigned long {n} = strlen({n}s) + (unsigned char){n}s[0]; {m} free({n}s); }}"),
            5 => format!("{{ unsigned long {n} = (unsigned long)strcmp({to}, {from}) != 0; {m} }}"),
            6 => format!("{{ const char *{n}c = strchr({from}, 'e'); unsigned long {n} = {n}c ? (unsigned long)({n}c - {from}) : 77; {m} }}"),
            7 => format!("snprintf({to}, 30, \"%lu\", ({u}) % 100000); {{ unsigned long {n} = strtoul({to}, 0, 10) + (unsigned long)atoi({to}); {m} }}"),
            _ => format!("memset({to}, 'a' + (int)(({u}) % 20), 7); {to}[7] = 0;"),
        }
    }

    pub(super) fn sorts(&mut self) -> String {
        let compare: Vec<String> = self.sigs.iter().filter(|s| s.kind == Kind::Compare).map(|s| s.name.clone()).collect();
        let f = compare[self.rng.usize(0..compare.len())].clone();
        let (n, u) = (self.name(), self.u());
        let m = self.mix(&format!("{n}[1] + {n}[4]"));
        match self.rng.u32(0..4) {
            0 => {
                let m = self.mix(&format!("{n}f ? *{n}f + 1 : 9"));
                format!("{{ long {n}[7]; for (int i = 0; i < 7; i++) {n}[i] = i * 3; long {n}k = (long)(({u}) % 20); long *{n}f = bsearch(&{n}k, {n}, 7, sizeof(long), {f}); {m} }}")
            }
            1 => format!("if (gv.n > 1) {{ qsort(gv.data, gv.n, sizeof(long), {f}); }}"),
            _ => format!("{{ long {n}[6]; for (int i = 0; i < 6; i++) {n}[i] = (long)((({u}) >> i) % 50); qsort({n}, 6, sizeof(long), {f}); {m} }}"),
        }
    }

    /// Something of the environment.
    pub(super) fn input(&mut self) -> String {
        let n = self.name();
        let m = self.mix(&n);
        let to = self.argument(Ty::Longs);
        let buffer = self.argument(Ty::Chars);
        match self.rng.u32(0..17) {
            0 => format!("{{ struct timespec {n}t; clock_gettime(CLOCK_MONOTONIC, &{n}t); unsigned long {n} = (unsigned long){n}t.tv_nsec; {m} }}"),
            1 => format!("{{ unsigned long {n} = (unsigned long)getpid(); {m} }}"),
            2 => format!("{{ unsigned long {n} = (unsigned long)time(0); {m} }}"),
            3 => format!("srand((unsigned)time(0)); {{ unsigned long {n} = (unsigned long)rand(); {m} }}"),
            4 => format!("{{ unsigned long {n} = (unsigned long)rand() % 100; {m} }}"),
            5 => format!("{{ char {n}b[24]; memset({n}b, 0, 24); unsigned long {n} = (unsigned long)read(0, {n}b, 20); {n} += (unsigned char){n}b[3]; {m} }}"),
            6 => format!("read(0, {to}, 3 * sizeof(long));"),
            7 => format!("{{ long r = read(0, {buffer}, 30); {buffer}[r > 0 ? r : 0] = 0; unsigned long {n} = (unsigned long)r; {m} }}"),
            8 => format!("if (fd < 0) fd = open(\"/dev/urandom\", O_RDONLY); if (fd >= 0) {{ unsigned long {n} = 0; read(fd, &{n}, 5); {m} }}"),
            9 => format!("{{ int p[2]; if (pipe(p) == 0) {{ unsigned long {n} = 5; char b[16] = \"through a pipe\"; write(p[1], b, 16); read(p[0], {buffer}, 16); {n} = (unsigned char){buffer}[2]; close(p[0]); close(p[1]); {m} }} }}"),
            10 => format!("{{ const char *{n}s = getenv(\"GENERATED\"); unsigned long {n} = {n}s ? strlen({n}s) : 0; {m} }}"),
            11 => format!("errno = 0; if (open(\"/nonexistent/file\", O_RDONLY) < 0) {{ unsigned long {n} = (unsigned long)errno; {m} }}"),
            12 => format!("close(-1); {{ unsigned long {n} = (unsigned long)errno; {m} }}"),
            13 => format!("{{ struct stat {n}s; unsigned long {n} = 1; if (stat(\"/\", &{n}s) == 0) {n} = (unsigned long){n}s.st_mode; {m} }}"),
            14 => format!("{{ struct timeval {n}t; gettimeofday(&{n}t, 0); {to}[1] = {n}t.tv_usec; }}"),
            15 => format!("{{ FILE *{n}f = fopen(\"/dev/urandom\", \"r\"); if ({n}f) {{ unsigned long {n} = 0; fread(&{n}, 1, 3, {n}f); fclose({n}f); {m} }} }}"),
            _ => format!("if (fgets({buffer}, 30, stdin)) {{ unsigned long {n} = strlen({buffer}); {m} }} else {buffer}[0] = 0;"),
        }
    }

    pub(super) fn prints(&mut self) -> String {
        let u = self.u();
        match self.rng.u32(0..5) {
            0 => format!("printf(\"p %lu %d\\n\", {u}, d);"),
            1 => "puts(gc0);".into(),
            2 => format!("fprintf(stderr, \"e %lx\\n\", ({u}) & 0xff);"),
            3 => "fflush(stdout); write(1, \"w\\n\", 2);".into(),
            _ => format!("putchar('a' + (int)(({u}) % 26)); putchar('\\n');"),
        }
    }

    /// Ways to leave: exit, longjmp.
    pub(super) fn ends(&mut self) -> String {
        let u = self.u();
        match self.rng.u32(0..5) {
            0 => format!("if (({u}) % 41 == 7 && !ending) exit((int)(({u}) & 63));"),
            1 => {
                let handlers: Vec<String> = self.sigs.iter().filter(|s| s.kind == Kind::AtExit).map(|s| s.name.clone()).collect();
                match handlers.first() {
                    Some(h) => format!("if (!ending && handlers++ < 6) atexit({h});"),
                    None => self.mixed(),
                }
            }
            _ => {
                let j = self.rng.usize(0..JUMPS);
                format!("if (active[{j}] && (({u}) & 1)) longjmp(JB{j}, (int)(({u}) & 7));")
            }
        }
    }

    /// Memory of the stack: of variable size, and pointers to it that are seen from below.
    pub(super) fn stack(&mut self) -> String {
        let (n, u) = (self.name(), self.u());
        let m = self.mix(&format!("{n}[3]"));
        match self.rng.u32(0..3) {
            0 => {
                let inner = self.with(&n, Ty::Longs, Self::call);
                format!("{{ unsigned {n}n = 4 + (unsigned)(({u}) % 9); long {n}[{n}n]; for (unsigned i = 0; i < {n}n; i++) {n}[i] = i; {inner} {m} }}")
            }
            1 => {
                let inner = self.with(&n, Ty::Longs, Self::call);
                format!("{{ long *{n} = alloca((4 + ({u}) % 5) * sizeof(long)); for (int i = 0; i < 4; i++) {n}[i] = (long)({u}); {inner} {m} }}")
            }
            _ => {
                let inner = self.call();
                format!("{{ long {n}[4] = {{ 1, 2, 3, (long)({u}) }}; long *{n}s = gstk; gstk = {n}; {inner} gstk = {n}s; {m} }}")
            }
        }
    }

    /// Pointers kept in variables that live as long as the program.
    pub(super) fn pointers(&mut self) -> String {
        let (s, u) = (self.structure(), self.u());
        match self.rng.u32(0..8) {
            0 => format!("gp[({u}) % 3] = ({u}) & 1 ? ga1 + 4 : gp[3];"),
            1 => format!("op = tab[({u}) % TAB];"),
            2 => format!("st->op = tab[({u}) % TAB];"),
            3 => format!("ob = tabb[({u}) % TABB];"),
            4 => format!("gstk[({u}) & 3] = (long)((unsigned long)gstk[1] * 3 + ({u}));"),
            5 => format!("gp[({u}) & 3][({u}) >> 3 & 3] = (long)({u});"),
            6 => format!("{{ struct s{s} *q = ({u}) & 1 ? &gs{s} : gsp{s}; *q = mk{s}({u}); }}"),
            _ => format!("{{ static long turns; turns++; gp[1][0] = turns; {} }}", self.mix("turns")),
        }
    }
}
