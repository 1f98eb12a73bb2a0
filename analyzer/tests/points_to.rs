//! What pointers may address, in small C programs: that nothing is missed, and that what the
//! analysis merges to stay small does not mix up what is apart.

mod small_programs;

use itarget_analyzer::model::InstrKind;
use small_programs::{Program, program, set};
use std::collections::BTreeSet;

#[test]
fn bytes_of_a_scalar_are_no_fields() {
    let p = program(
        "struct s { long a; int *p; long b; } s; int x; unsigned char out[64];
         __attribute__((noinline)) void dump(unsigned char *c) {
             out[0] = c[1]; out[1] = c[2]; out[2] = c[3]; out[3] = c[5]; out[4] = c[7]; c += 9; out[5] = *c; c += 2; out[6] = *c; }
         int read(unsigned char *c) { return **(int **)(c + 3 + 5); }
         int main(void) { s.p = &x; dump((unsigned char *)&s); return read((unsigned char *)&s); }",
    );
    assert_eq!(p.last_access("read"), set(&["x"]));
    assert!(p.fields_of("s") <= 6, "{} fields", p.fields_of("s"));
}

#[test]
fn a_byte_walk_still_arrives_everywhere() {
    let p = program(
        "struct s { long a; int *p; } s; int x;
         int read(unsigned char *c, int n) { for (int i = 0; i < n; i++) c++; return **(int **)c; }
         int main(int n, char **v) { s.p = &x; return read((unsigned char *)&s, n); }",
    );
    assert_eq!(p.last_access("read"), set(&["x"]));
}

#[test]
fn texts_are_one_object_and_tables_of_functions_are_not_written() {
    let p = program(
        "struct ops { void (*f)(void); }; void one(void) {} void two(void) {}
         const struct ops fixed = { one }; struct ops changing;
         char text(int n) { const char *s = n ? \"abc\" : \"defg\"; return s[0]; }
         void set(int n) { struct ops *o = n ? (struct ops *)&fixed : &changing; o->f = two; }
         void use_fixed(void) { fixed.f(); }
         void use_changing(void) { changing.f(); }
         int main(int n, char **v) { set(n); use_fixed(); use_changing(); return text(n); }",
    );
    assert_eq!(p.last_access("text"), set(&["constants"]));
    assert_eq!(p.called("use_fixed"), set(&["one"]));
    assert_eq!(p.called("use_changing"), set(&["two"]));
}

#[test]
fn what_the_library_hands_out_is_data() {
    let p = program(
        "typedef struct _IO_FILE FILE; extern FILE *stdout; FILE *fopen(const char *, const char *);
         void one(void *p) {} union { void (*f)(void *); FILE *file; } u;
         void go(void *p) { u.f(p); }
         int main(int n, char **v) { if (n > 2) u.file = n > 3 ? stdout : fopen(v[1], v[2]); else u.f = one; go(v); return 0; }",
    );
    assert_eq!(p.called("go"), set(&["one"]));
}

#[test]
fn what_unannotated_code_hands_out_may_be_code() {
    let p = program(
        "typedef void (*fn)(void *); fn not_annotated(void); void one(void *p) {} fn f;
         void go(void *p) { f(p); }
         int main(int n, char **v) { f = n > 2 ? not_annotated() : one; go(v); return 0; }",
    );
    assert_eq!(p.called("go"), set(&["?", "one"]));
}

#[test]
fn a_function_that_ends_the_recording_hands_out_nothing() {
    let p = program(
        "void *dlsym(void *, const char *); typedef void (*fn)(void); void one(void) {} fn f;
         void go(void) { f(); }
         int main(int n, char **v) { f = n > 2 ? (fn)dlsym(0, v[1]) : one; go(); return 0; }",
    );
    assert_eq!(p.called("go"), set(&["one"]));
}

#[test]
fn code_that_no_recording_sees_calls_nothing() {
    // A `dlopen` that succeeds ends the recording: what it loads does not call the program's functions in one.
    let p = program(
        "extern void *dlopen(const char *, int);
         static int number;
         int look(int *p) { return *p; }
         int main(void) { return look(&number) + (dlopen(\"plug\", 1) != 0); }",
    );
    assert_eq!(p.last_access("look"), set(&["number"]));
}

#[test]
fn equal_loads_and_stores_meet_and_others_do_not() {
    let p = program(
        "int a, b, c; int *pa, *pb; int **slots[2];
         void store(int **where, int *what) { *where = what; }
         int both(int n) { int **w = n ? &pa : &pb; *w = &a; *w = &b; int **v = n > 1 ? &pa : &pb; *v = &c; return **w + **v; }
         int other(void) { static int *q; static int z; q = &z; return *q; }
         int main(int n, char **v) { return both(n) + other(); }",
    );
    assert_eq!(p.last_access("both"), set(&["a", "b", "c"]));
    assert_eq!(p.last_access("other"), set(&["other.z"]));
}

/// `count` calls of an allocation wrapper; all results end up in one list, or each in a variable.
fn wrapper_program(count: usize, mixed: bool) -> Program {
    let mut source = "void *malloc(unsigned long); void abort(void);
        struct node { struct node *next; struct node *other; long value; }; struct node *list;
        __attribute__((noinline)) static struct node *make(void) { struct node *n = malloc(sizeof *n); if (!n) abort(); return n; }\n"
        .to_owned();
    for i in 0..count {
        source += &format!("struct node *own{i}; void f{i}(void) {{ struct node *n = make(); n->value = {i};\n");
        if mixed {
            source += "n->next = list; n->other = n->next ? n->next->other : n; if (n->next) n->next->next = n->other; list = n; }\n";
        } else {
            source += &format!("own{i} = n; }} long get{i}(void) {{ return own{i}->value; }}\n");
        }
    }
    source += "int main(void) {\n";
    for i in 0..count {
        source += &if mixed { format!("f{i}();\n") } else { format!("f{i}(); get{i}();\n") };
    }
    program(&(source + "return 0; }"))
}

#[test]
fn wrappers_are_cloned_where_it_tells_objects_apart() {
    let p = wrapper_program(100, false);
    assert_eq!(p.result.instances_of(p.module.function("make").expect("is there")).len(), 100);
    let (one, two) = (p.last_access("get1"), p.last_access("get2"));
    assert!(one.len() == 1 && two.len() == 1 && one != two, "{one:?} {two:?}");
}

#[test]
fn wrappers_are_not_cloned_where_all_their_results_mix() {
    let p = wrapper_program(100, true);
    assert_eq!(p.result.instances_of(p.module.function("make").expect("is there")).len(), 1);
}

#[test]
fn what_a_static_function_of_a_header_allocates_is_one_object() {
    let header = |name: &str, label: &str| {
        format!(
            "static void *{name}(unsigned long n) __asm__(\"{label}\");
            #line 1 \"own.h\"
            __attribute__((noinline)) static void *{name}(unsigned long n) {{ void *p = maker(n); if (!p) abort(); return p; }}
            "
        )
    };
    let source = "void *malloc(unsigned long); void abort(void); void *(*maker)(unsigned long) = malloc; int *a, *b, *c;\n".to_owned()
        + &header("one", "make.7")
        + &header("two", "make.12")
        + &header("other", "make_other")
        + "int fa(void) { return *a; } int fb(void) { return *b; } int fc(void) { return *c; }
        int main(int n, char **v) {
            a = one(n); a = one(4); b = two(n); b = two(8); c = other(n);
            if (n > 3) { a = b; } if (n > 4) { b = a; }
            return fa() + fb() + fc();
        }";
    let p = program(&source);
    let made = |name: &str| p.result.objects().iter().find(|o| o.name == name).expect("is there").made_at.len();
    let all = p.last_access("fa");
    assert_eq!((p.last_access("fb"), all.len(), p.last_access("fc").len()), (all.clone(), 1, 1), "{all:?}");
    assert_eq!(made(all.first().expect("one")), 2);
    assert_eq!(made(p.last_access("fc").first().expect("one")), 1);
}

#[test]
fn the_difference_of_two_pointers_leads_nowhere() {
    let p = program(
        "char a[64]; long n; long both;
         __attribute__((noinline)) void keep(char *p) { n = p - a; both = (long)p; }
         __attribute__((noinline)) void use(void) { *(char *)n = 1; }
         __attribute__((noinline)) void use_both(void) { *(char *)both = 1; }
         int main(void) { keep(a + 3); use(); use_both(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&[]));
    assert_eq!(p.last_access("use_both"), set(&["a"]), "a pointer kept in an integer is followed");
}

#[test]
fn numbers_and_pointers_in_one_cell_are_kept_apart() {
    let p = program(
        "void *malloc(unsigned long); int x, y; char *m;
         __attribute__((noinline)) void fill(int i) { *(long *)(m + 8 * i) = (long)&x; *(int **)(m + 16 * i) = &y; }
         __attribute__((noinline)) void use(int i) { *(*(int **)(m + 8 * i)) = 1; }
         __attribute__((noinline)) void use_number(int i) { *(int *)*(long *)(m + 8 * i) = 1; }
         int main(int c, char **v) { m = malloc(1000); fill(c); use(c); use_number(c); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["y"]));
    assert_eq!(p.last_access("use_number"), set(&["x"]));
}

#[test]
fn a_union_may_be_read_as_either() {
    let p = program(
        "union u { long n; int *p; } u; int x;
         __attribute__((noinline)) void use(void) { *u.p = 1; }
         int main(void) { u.n = (long)&x; use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn small_functions_around_library_functions_do_not_mix_their_callers_up() {
    let p = program(
        "void *__memcpy_chk(void *, const void *, unsigned long, unsigned long);
         static __attribute__((noinline)) void *copy(void *d, const void *s, unsigned long n) { return __memcpy_chk(d, s, n, n); }
         int x, y; int *p = &x, *q = &y, *r, *s;
         __attribute__((noinline)) void use(void) { *r = 1; }
         int main(void) { copy(&r, &p, 8); copy(&s, &q, 8); use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn streams_are_looked_into_by_their_own_members_only() {
    let p = program(
        "#include <stdio.h>
         struct node { struct node *next; int *data; } node; int x; void *any;
         __attribute__((noinline)) void use(void) { *((struct node *)any)->data = 1; }
         __attribute__((noinline)) int get(void) { return *((FILE *)any)->_IO_read_ptr; }
         int main(int c, char **v) { node.data = &x; any = c > 1 ? (void *)fopen(\"f\", \"r\") : &node; use(); return get(); }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
    let buffer = p.last_access("get");
    assert!(buffer.contains("ext:_IO_FILE:behind"), "{buffer:?}");
}

#[test]
fn pointers_survive_being_copied_word_by_word() {
    let p = program(
        "int x; int *from[4] = { &x }, *to[4];
         __attribute__((noinline)) void copy(void *d, void *s, int n) { long *a = d, *b = s; while (n--) *a++ = *b++; }
         __attribute__((noinline)) void use(void) { *to[0] = 1; }
         int main(void) { copy(to, from, 4); use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn members_stay_apart_at_unknown_places() {
    let p = program(
        "struct s { int *p; long n[4]; int *q; } s; int x, y; long off; struct s *any;
         __attribute__((noinline)) void use(void) { *any->p = 1; }
         int main(void) { s.p = &x; s.q = &y; any = (struct s *)((char *)&s + off); use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn stores_at_unknown_places_reach_their_member_and_no_other() {
    let p = program(
        "struct s { int *p; long n[4]; int *q; } s; int x, y; long off; struct s *any;
         __attribute__((noinline)) void use(void) { *s.q = 1; }
         __attribute__((noinline)) void other(void) { *s.p = 1; }
         int main(void) { any = (struct s *)((char *)&s + off); any->q = &x; s.p = &y; use(); other(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
    assert_eq!(p.last_access("other"), set(&["y"]));
}

#[test]
fn structures_that_begin_the_same_way_are_read_as_each_other() {
    let p = program(
        "struct base { int kind; int *ops; }; struct derived { int kind; int *ops; int *extra; } d; int x, y; long off; void *any;
         __attribute__((noinline)) void use(void) { *((struct base *)any)->ops = 1; }
         int main(void) { d.ops = &x; d.extra = &y; any = (char *)&d + off; use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn members_of_members_are_found_by_either_type() {
    let p = program(
        "struct in { int *p; }; struct out { long n; struct in a, b; } o; int x, y; long off; void *any; struct in *in;
         __attribute__((noinline)) void use(void) { *in->p = 1; }
         int main(void) { o.b.p = &x; o.a.p = &y; any = (char *)&o + off; in = any; use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x", "y"]));
}

#[test]
fn unions_bytes_and_numbers_hold_any_structure() {
    let p = program(
        "struct a { int *p; long n; }; struct b { long n; int *q; }; int x, y, z; long off; void *any[3];
         union { struct a a; struct b b; char more[64]; } u; char bytes[64] __attribute__((aligned(8))); long numbers[8];
         __attribute__((noinline)) int *use(int i) { return ((struct b *)any[i])->q; }
         __attribute__((noinline)) void end(int i) { *use(i) = 1; }
         int main(int c, char **v) {
           any[0] = (char *)&u + off; any[1] = bytes + off; any[2] = (char *)numbers + off;
           ((struct b *)any[0])->q = &x; ((struct b *)(bytes + off))->q = &y; ((struct b *)((char *)numbers + off))->q = &z;
           end(c); return 0; }",
    );
    assert_eq!(p.last_access("end"), set(&["x", "y", "z"]));
}

#[test]
fn raw_arrays_that_are_members_hold_any_structure() {
    let p = program(
        "struct a { int *p; long n; }; struct arena { long used; char bytes[64]; long more; long words[8]; int *end; };
         struct arena r, s, t, u; int v, w, x, y; long off; void *any[4]; extern void *unknown(void *);
         __attribute__((noinline)) int *use(int i) { return ((struct a *)any[i])->p; }
         __attribute__((noinline)) void last(int i) { *use(i) = 1; }
         int main(int c, char **argv) {
           any[0] = r.bytes + off; any[1] = (char *)&s + off; any[2] = (void *)(((unsigned long)(t.bytes + off) + 7) & ~7UL);
           any[3] = unknown(u.words);
           ((struct a *)any[0])->p = &v; ((struct a *)any[1])->p = &w; ((struct a *)any[2])->p = &x; ((struct a *)any[3])->p = &y;
           last(c); return 0; }",
    );
    assert!(p.last_access("last").is_superset(&set(&["v", "w", "x", "y"])));
    assert!(p.last_access_by_type("use").is_superset(&set(&["r", "s", "t", "u"])));
}

#[test]
fn large_structures_keep_their_members() {
    let members: String = (0..400).map(|i| format!("int *p{i};")).collect();
    let stores: String = (1..400).map(|i| format!("s.p{i} = &y;")).collect();
    let p = program(&format!(
        "struct s {{ {members} }} s; int x, y; __attribute__((noinline)) void use(void) {{ *s.p0 = 1; }}
         int main(void) {{ s.p0 = &x; {stores} use(); return 0; }}"
    ));
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn tables_that_only_tables_mention_are_one() {
    let p = program(
        "int x, y; struct arg { int *p; long n; }; struct cmd { struct arg *args; int *own; } ;
         struct arg one[] = { { &x, 1 } }, two[] = { { &y, 2 }, { &y, 3 } };
         struct cmd table[] = { { one, 0 }, { two, 0 } };
         __attribute__((noinline)) int *get(int i) { return table[i].args->p; }
         __attribute__((noinline)) void use(int i) { *get(i) = 1; }
         int main(int c, char **v) { use(c); return 0; }",
    );
    assert_eq!(p.last_access("get"), set(&["one and the like"]));
    assert_eq!(p.last_access("use"), set(&["x", "y"]));
}

#[test]
fn arrays_whose_initialiser_sets_unions_are_arrays() {
    let p = program(
        "int x, y, z; struct e { union { double d; int *p; } u; int *q; long n; };
         struct e table[] = { { { .d = 1 }, &x, 1 }, { { .p = &y }, &z, 2 }, { { .d = 3 }, &x, 3 } };
         __attribute__((noinline)) void use(int i) { *table[i].q = 1; }
         int main(int c, char **v) { use(c); table[c].n = 4; return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x", "z"]));
}

#[test]
fn copies_of_text_take_nothing_that_is_beside_it() {
    let p = program(
        "#include <string.h>
         struct s { int *p; char text[16]; int *q; } s; int x, y; int *to[8];
         __attribute__((noinline)) void copy(void *d, const void *from, unsigned long n) { memcpy(d, from, n); }
         __attribute__((noinline)) void use(void) { *to[0] = 1; }
         int main(int c, char **v) { s.q = &y; s.p = &y; to[1] = &x; copy(to, s.text, c); use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn whole_structures_are_copied_with_an_unknown_length() {
    let p = program(
        "#include <string.h>
         struct s { int *p; char text[16]; int *q; } s, t; int x;
         __attribute__((noinline)) void copy(void *d, const void *from, unsigned long n) { memcpy(d, from, n); }
         __attribute__((noinline)) void use(void) { *t.q = 1; }
         int main(int c, char **v) { s.q = &x; copy(&t, &s, c); use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

#[test]
fn assembly_hands_its_operand_through() {
    let p = program(
        "int x, *p; __attribute__((noinline)) void use(void) { *p = 1; }
         int main(void) { int *q = &x; __asm__(\"\" : \"+r\"(q)); __asm__ volatile(\"pause\" ::: \"memory\"); p = q; use(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
}

impl Program {
    /// Names of the objects that the last load or store of a function touches, by its type.
    fn last_touched(&self, function: &str) -> BTreeSet<String> {
        let id = self.module.function(function).expect("is there");
        let f = &self.module.functions[id.index()];
        let accesses = f.instrs.iter().filter_map(|i| match &i.kind {
            InstrKind::Load { ptr, access } | InstrKind::Store { ptr, access, .. } => Some((*ptr, *access)),
            _ => None,
        });
        let (ptr, access) = accesses.last().expect("accesses memory");
        let fields = self.result.accessed(&self.module, id, ptr, &access);
        fields.iter().map(|f| self.result.object(self.result.field(*f).object).name.clone()).collect()
    }
}

#[test]
fn bits_bytes_and_unions_of_a_structure_are_in_no_other() {
    let p = program(
        "struct s { long n; unsigned a : 3, b : 5; char text[8]; union { long l; int *p; } u; } s;
         struct t { int *q[4]; } t; struct small { long n; } small; struct other { long n; unsigned c : 8; char name[8]; int *w; } other;
         __attribute__((noinline)) void *any(int c) { return c == 1 ? (void *)&s : c == 2 ? (void *)&t : c == 3 ? (void *)&small : (void *)&other; }
         int bits(struct s *p) { int n = p->n; return n + p->a; }
         int byte(struct s *p, int i) { return p->text[i]; }
         long either(struct s *p) { return p->u.l; }
         int main(int c, char **v) { return bits(any(c)) + byte(any(c), c) + either(any(c)); }",
    );
    for function in ["bits", "byte"] {
        assert_eq!(p.last_touched(function), set(&["s", "other"]), "{function}");
    }
    assert_eq!(p.last_touched("either"), set(&["s", "other"]));
}

const KEPT: &str = "struct s { int *p; long n; int *q; } s; struct t { long n; int *p; } t; void *kept; void use(void);
     __attribute__((noinline)) void *any(int c) { return c == 1 ? (void *)&s : c == 2 ? (void *)&t : (void *)use; }
     void use(void) {} long look(void) { return *(long *)kept; }
     int main(int c, char **v) { keep(any(c), c); return look(); }";

#[test]
fn a_pointer_that_was_used_is_narrowed_where_it_is_used_again() {
    let after = ["p->n = 1; kept = p;", "p->n = 1; if (c) kept = p;", "while (c--) { p->n = c; kept = p; }", "if (!p->q) c = 2; kept = (char *)p + 0;"];
    for body in after {
        let p = program(&format!("struct s; void keep(struct s *p, int c); {KEPT} void keep(struct s *p, int c) {{ {body} }}"));
        assert_eq!(p.last_access("look"), set(&["s"]), "{body}");
    }
    let bytes = program(&format!("struct s; void keep(struct s *p, int c); {KEPT} void keep(struct s *p, int c) {{ c = *(char *)p; kept = p; }}"));
    assert_eq!(bytes.last_access("look"), set(&["s", "t"]));
}

#[test]
fn a_pointer_is_not_narrowed_where_it_may_not_have_been_used() {
    let before = [
        "kept = p; p->n = 1;",
        "if (c) p->n = 1; kept = p;",
        "while (c--) { kept = p; p->n = c; }",
        "struct s *q = p; if (c == 7) { p->n = 1; q = &s; } kept = q;",
        "switch (c) { case 0: p->n = 1; case 1: kept = p; }",
    ];
    for body in before {
        let p = program(&format!("struct s; void keep(struct s *p, int c); {KEPT} void keep(struct s *p, int c) {{ {body} }}"));
        assert_eq!(p.last_access("look"), set(&["s", "t", "code:use"]), "{body}");
    }
}

#[test]
fn what_is_laid_out_by_its_use_passes_wherever_there_is_room() {
    let p = program(
        "#include <stdlib.h>
         struct s { int *p; long n; int *q; }; struct u { union { char c; double d; } u; long rest[2]; } u; char bytes[24]; long words[3]; void *kept;
         __attribute__((noinline)) void *any(int c) { return c == 1 ? malloc(24) : c == 2 ? (void *)bytes : c == 3 ? (void *)words : c == 4 ? malloc(8) : (void *)&u; }
         void keep(struct s *p) { p->n = 1; kept = p; }
         long look(void) { return *(long *)kept; }
         int main(int c, char **v) { keep(any(c)); return look(); }",
    );
    assert_eq!(p.last_access("look"), set(&["heap:any:3<main:6", "bytes", "words", "u"]));
}

#[test]
fn what_assembly_leaves_in_narrow_registers_is_no_pointer() {
    let p = program(
        "int putenv(char *); struct hooks { void (*f)(void); } hooks; void hook(void) {} unsigned id;
         int main(void) {
             unsigned a = 0, b, c, d; __asm__(\"cpuid\" : \"=a\"(a), \"=b\"(b), \"=c\"(c), \"=d\"(d) : \"a\"(a)); id = a + b + c + d;
             hooks.f = hook; return putenv((char *)&hooks); }",
    );
    assert!(p.result.escaped_functions().is_empty());
    let wide = program(
        "int putenv(char *); struct hooks { void (*f)(void); } hooks; void hook(void) {} void *top;
         int main(void) { void *at; __asm__(\"mov %%rsp, %0\" : \"=r\"(at)); top = at; hooks.f = hook; return putenv((char *)&hooks); }",
    );
    assert!(!wide.result.escaped_functions().is_empty());
}

#[test]
fn no_pointers_are_stored_in_texts_of_main_and_the_library() {
    let p = program(
        "#include <string.h>
         struct box { int *v; } box; int x; char first;
         __attribute__((noinline)) void put(struct box *b) { b->v = &x; }
         int main(int c, char **v) {
             void *any = c == 1 ? (void *)v[0] : c == 2 ? (void *)strerror(c) : (void *)&box;
             put(any); first = *(char *)any; return *box.v; }",
    );
    for name in ["argv:strings", "copy:strerror"] {
        let index = p.result.objects().iter().position(|o| o.name == name).expect("is there");
        let object = itarget_analyzer::points_to::ObjectId(u32::try_from(index).unwrap());
        assert!(p.result.fields_of(object).all(|field| p.result.contents(field).is_empty()), "{name}");
    }
    assert_eq!(p.last_touched("put"), set(&["box"]));
}

#[test]
fn calls_enter_functions_of_their_type() {
    let p = program(
        "struct a { int x; }; struct b { int y; }; struct big { struct a base; int z; };
         int of_a(struct a *a) { return a->x; } int of_b(struct b *b) { return b->y; } int of_big(struct big *b) { return b->z; }
         int of_any(void *p) { return p != 0; } int of_number(long n) { return n; } int of_cast(struct b *b) { return b->y; }
         struct ops { int (*f)(struct a *); }; union call { int (*a)(struct a *); int (*v)(void *); };
         void *all[8]; struct ops ops; union call both; int (*local)(struct a *); struct a one;
         void keep(struct ops *o) { o->f = (int (*)(struct a *))of_cast; }
         int by_member(struct ops *o) { return o->f(&one); }
         int by_union(union call *c) { return c->a(&one); }
         int by_variable(void) { int (*f)(struct a *) = local; return f(&one); }
         int by_cast(struct ops *o, struct b *b) { return ((int (*)(struct b *))o->f)(b); }
         int main(int n, char **v) {
             all[0] = of_a; all[1] = of_b; all[2] = of_big; all[3] = of_any; all[4] = of_number; keep(&ops);
             if (n > 2) ops.f = all[n]; both.a = all[n]; local = n > 3 ? (void *)ops.f : all[n];
             return by_member(&ops) + by_union(&both) + by_variable() + by_cast(&ops, (void *)&one); }",
    );
    assert_eq!(p.called("by_member"), set(&["of_a", "of_cast"]));
    assert_eq!(p.called("by_union"), set(&["of_a", "of_any"]));
    assert_eq!(p.called("by_variable"), set(&["of_a", "of_cast"]));
    // The type that the call is cast to does not show: it may enter all that take the same arguments.
    assert!(p.called("by_cast").contains("of_b"), "{:?}", p.called("by_cast"));
}

#[test]
fn copies_of_unknown_length_stay_in_the_member_that_they_begin_with() {
    let p = program(
        "#include <string.h>
         struct in { char kind; int *p; }; struct s { int *a; int *b; struct in in; int words[4]; } s, t, u; int v, w, x, y, z; int *out; long n;
         struct g { long own; char group[0]; int *a; int *b; } g, h; __attribute__((noinline)) void grouped(void) { *h.b = 1; }
         __attribute__((noinline)) void first(void) { *t.a = 1; } __attribute__((noinline)) void second(void) { *t.b = 1; }
         __attribute__((noinline)) void inner(void) { *t.in.p = 1; } __attribute__((noinline)) void raw(void) { *out = 1; }
         int main(void) {
           s.a = &w; u.b = &x; u.in.p = &v; s.in.p = &y; g.b = &z; memcpy(h.group, g.group, n); memcpy(&s.words[1], &(int *){ &z }, 8);
           memcpy(&t.b, &u.b, n); memcpy(&t.in, &s.in, n); memcpy(&out, &s.words[1], 8);
           first(); second(); inner(); raw(); grouped(); return 0; }",
    );
    assert_eq!(p.last_access("first"), set(&[]));
    assert_eq!(p.last_access("second"), set(&["x"]));
    assert_eq!(p.last_access("inner"), set(&["y"]));
    assert_eq!(p.last_access("raw"), set(&["z"]));
    assert_eq!(p.last_access("grouped"), set(&["z"]));
}

#[test]
fn a_constant_number_of_bytes_may_be_the_rest_of_a_structure() {
    let p = program(
        "#include <string.h>
         #include <stddef.h>
         struct s { int *a; long from; int *b; int *c; } s, t; int x, y;
         __attribute__((noinline)) void use(void) { *t.b = 1; } __attribute__((noinline)) void last(void) { *t.c = 1; }
         int main(void) { s.b = &x; s.c = &y; memcpy(&t.from, &s.from, sizeof(struct s) - offsetof(struct s, from)); use(); last(); return 0; }",
    );
    assert_eq!(p.last_access("use"), set(&["x"]));
    assert_eq!(p.last_access("last"), set(&["y"]));
}

#[test]
fn functions_may_get_more_arguments_than_they_take() {
    let p = program(
        "struct item { void *p; struct item *next; }; typedef void each(void *, void *); int x;
         void release(void *p) { *(int *)p = 1; } int old() { return 1; } int none(void) { return 2; } int two(void *p, void *q) { return 3; }
         const struct { const char *name; int (*run)(void *, void *); } table[] = { { \"old\", (int (*)(void *, void *))old }, { \"two\", two } };
         int (*other)(void) = none;
         void walk(struct item *i, each *f, void *with) { for (; i; i = i->next) f(i->p, with); }
         int go(int c) { return table[c].run(&x, &x); }
         int main(int c, char **v) { struct item one = { &x, 0 }; walk(&one, (each *)release, v); return go(c) + other(); }",
    );
    assert_eq!(p.called("walk"), set(&["release"]));
    assert_eq!(p.called("go"), set(&["old", "two"]));
    assert_eq!(p.last_access("release"), set(&["x"]));
}

#[test]
fn functions_cast_to_a_type_without_arguments_are_called_by_any() {
    let p = program(
        "int f(int *p) { return *p; } int g(char *p) { return *p; } int (*k)(); int x;
         int go(void) { return k(&x); }
         int main(int n, char **v) { k = n > 2 ? (int (*)())f : (int (*)())g; return go(); }",
    );
    assert_eq!(p.called("go"), set(&["f", "g"]));
}

#[test]
fn library_functions_are_not_entered_with_addresses_for_numbers() {
    let p = program(
        "typedef unsigned long size_t; void *malloc(size_t); struct s { int x; } s; void *hook(struct s *p) { return p; }
         void *all[2]; void *go(void *(*f)(struct s *)) { return f(&s); } void *make(void *(*f)(size_t)) { return f(8); }
         int main(int n, char **v) { all[0] = malloc; all[1] = hook; go(all[n]); return make(all[n]) == 0; }",
    );
    assert_eq!(p.called("go"), set(&["hook"]));
    assert_eq!(p.called("make"), set(&["malloc"]));
}

/// One function that begins and moves on iterators anywhere makes no pointer from one into another.
#[test]
fn a_pointer_into_an_object_is_stored_there_alone() {
    let p = program(
        "#include <stdlib.h>
         struct it { char *key; void *node; char own[16]; };
         void start(struct it *it, int n) { it->key = it->own; while (n--) it->key[n & 15] = 0; }
         void step(struct it *it, int n) {
             char *key = it->key;
             while (n--) { if (n & 4) key = it->own; else if (n & 8) key = malloc(n); it->key = key; }
         }
         char far_key(struct it *it) { return *it->key; }
         char near_key(struct it *it) { return *it->key; }
         int main(int argc, char **argv) {
             struct it near, *far = malloc(sizeof *far);
             start(&near, argc); start(far, argc);
             step(&near, argc); step(far, argc);
             return near_key(&near) + far_key(far);
         }",
    );
    let far = p.last_access("far_key");
    assert!(far.iter().all(|name| name.starts_with("heap:")) && far.len() == 2, "{far:?}");
    let near = p.last_access("near_key");
    assert!(near.len() == 2 && near.iter().any(|name| name.starts_with("main:")), "{near:?}");
}

/// A pointer that goes from one iterator to the next around a loop is not the next one's own.
#[test]
fn a_pointer_into_the_object_before_is_another() {
    let p = program(
        "struct it { int *at; int own; struct it *next; };
         struct it a, b;
         void link(struct it *it) { int *before = 0; while (it) { it->at = before; before = &it->own; it = it->next; } }
         int get(void) { return *b.at; }
         int main(int argc, char **argv) { a.next = &b; link(&a); return get(); }",
    );
    assert!(p.last_access("get").contains("a"), "{:?}", p.last_access("get"));
}

/// Copies between many objects keep members apart.
#[test]
fn copies_between_many_objects_are_by_member() {
    let names: Vec<String> = (0..20).map(|i| format!("s{i}")).collect();
    let list = |before: &str| names.iter().map(|n| format!("{before}{n}")).collect::<Vec<_>>().join(", ");
    let p = program(&format!(
        "#include <string.h>
         struct s {{ int *a, *b; }};
         struct s {}; struct s {};
         struct s *from[] = {{ {} }}, *to[] = {{ {} }};
         int hidden, shown;
         int get(void) {{ return *ts3.a; }}
         int main(int argc, char **argv) {{
             for (int i = 0; i < 20; i++) {{ from[i]->a = &hidden; from[i]->b = &shown; }}
             for (int i = 0; i < 20; i++) memcpy(&to[i]->a, &from[argc]->b, sizeof(int *));
             return get();
         }}",
        list(""), list("t"), list("&"), list("&t"),
    ));
    assert_eq!(p.last_access("get"), ["shown".to_owned()].into());
}

/// Only what was allocated is ever resized.
#[test]
fn realloc_copies_no_variable() {
    let p = program(
        "#include <stdlib.h>
         int hidden, shown;
         int get(int **p) { return **p; }
         int main(int argc, char **argv) {
             int *own[2] = {&hidden, &hidden}, **p = own;
             if (argc > 1) { p = malloc(sizeof own); p[0] = &shown; p = realloc(p, 2 * sizeof own); }
             int **again = realloc(argc > 1 ? p : 0, 3 * sizeof own);
             return get(again) + *p[0];
         }",
    );
    assert_eq!(p.last_access("get"), ["shown".to_owned()].into());
}

/// Texts that only tables mention are one object.
#[test]
fn texts_of_tables_are_one() {
    let p = program(
        "static const char *a[] = {\"x\", 0}, *b[] = {\"y\", 0};
         static char page[] = \"one\", other[] = \"two\";
         struct row { const char **list; char *text; } rows[] = {{a, page}, {b, other}};
         int get(int i) { return *rows[i].text; }
         int main(int argc, char **argv) { return get(argc) + *rows[argc].list[0]; }",
    );
    assert_eq!(p.last_access("get").len(), 1);
    assert_eq!(p.last_access("main").len(), 1);
}

/// A buffer that only a table mentions may hold anything.
#[test]
fn structures_may_lie_in_buffers_of_tables() {
    let p = program(
        "struct node { struct node *next; int *data; } node; int x;
         static char one[64], other[64]; struct row { char *memory; } rows[] = {{one}, {other}};
         __attribute__((noinline)) void use(struct node *n) { n->data = &x; }
         int main(int argc, char **argv) { use(argc > 3 ? &node : (struct node *)rows[argc].memory); return 0; }",
    );
    let id = p.module.function("use").expect("is there");
    let f = &p.module.functions[id.index()];
    let touched = f.instrs.iter().rev().find_map(|i| match &i.kind {
        InstrKind::Store { ptr, access, .. } => Some(p.result.accessed(&p.module, id, *ptr, access)),
        _ => None,
    });
    let names: BTreeSet<&str> = touched.expect("stores").iter().map(|c| &*p.result.object(p.result.field(*c).object).name).collect();
    assert!(names.contains("node") && names.len() == 2, "{names:?}");
}
