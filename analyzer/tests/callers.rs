//! What is kept apart by the calls that hand it over, and by the objects it is in; and that what does go from one to another is found.

mod small_programs;

use small_programs::{program, set};

/// What a function returns of its arguments goes back to that caller.
#[test]
fn what_is_handed_to_a_function_comes_back_to_its_caller() {
    let p = program(
        "#include <stdlib.h>
         static char *digit(char *to, int n) { char text[4]; for (int i = 0; i < 3; i++) text[i] = n; *to++ = text[n & 3]; return to; }
         static char *number(char *to, int n) { do { to = digit(to, n % 10); n /= 10; } while (n && to[3]); return to; }
         char *text, other;
         char *either(char *a, int n) { char own[4]; own[n & 3] = 1; return own[1] ? &other : number(a, n); }
         char get(void) { return text[-1]; }
         char near(char *p) { return p[-1]; }
         char far(char *p) { return p[0]; }
         int main(int n, char **v) {
             char own[16], *e = number(own, n), *m = malloc(n);
             text = number(m, n);
             return near(e) + get() + far(either(m, n));
         }",
    );
    assert!(p.last_access("near").iter().all(|name| name.starts_with("main:")), "{:?}", p.last_access("near"));
    assert!(p.last_access("get").iter().all(|name| name.starts_with("heap:")), "{:?}", p.last_access("get"));
    let either = p.last_access("far");
    assert!(either.len() == 2 && either.contains("other"), "{either:?}");
}

/// A function that also returns what was handed to it before returns that to every caller.
#[test]
fn what_a_function_kept_comes_back_to_any_caller() {
    let p = program(
        "char a, b, *kept;
         static char *swap(char *now, int n) { char own[4]; own[n & 3] = 1; char *before = kept; kept = now; return own[2] ? before : now; }
         char get(char *p) { return *p; }
         int main(int n, char **v) { swap(&a, n); return get(swap(&b, n)); }",
    );
    assert_eq!(p.last_access("get"), set(&["a", "b"]));
}

/// A library function that also returns what it kept, or something of the library's, returns that through a function of the program, too.
#[test]
fn what_the_library_kept_comes_back_through_a_function() {
    let p = program(
        "#include <libgen.h>
         #include <string.h>
         static char *word(char *s, int n) { char own[4]; own[n & 3] = n; return own[1] ? strtok(s, \",\") : s; }
         static char *folder(char *s, int n) { char own[4]; own[n & 3] = n; return own[1] ? dirname(s) : s; }
         char get(char *p) { return *p; }
         char look(char *p) { return *p; }
         char text[16], name[16];
         int main(int n, char **v) { word(text, n); return get(word(0, n)) + look(folder(name, n)); }",
    );
    assert!(p.last_access("get").contains("text"), "{:?}", p.last_access("get"));
    let folder = p.last_access("look");
    assert!(folder.contains("name") && folder.iter().any(|name| name.starts_with("ext:")), "{folder:?}");
}

/// A pointer that is moved on in its object does not get into others.
#[test]
fn what_is_moved_on_in_an_object_stays_there() {
    let p = program(
        "#include <stdlib.h>
         struct buf { char *pos, *last; };
         static char *skip(char *p, int n) { char own[4]; own[n & 3] = n; while (own[n & 1]-- && *p) p++; return p; }
         void eat(struct buf *b, int n) {
             b->pos += n;
             for (char *p = b->pos; n--; p++) { if (*p) b->pos = p; else b->pos = skip(b->last, n); }
         }
         char near(struct buf *b) { return *b->pos; }
         char far(struct buf *b) { return *b->pos; }
         int main(int n, char **v) {
             char text[16]; text[0] = n;
             struct buf own, *b = malloc(sizeof *b);
             own.pos = own.last = text; b->pos = b->last = malloc(n);
             eat(&own, n); eat(b, n);
             return near(&own) + far(b);
         }",
    );
    assert!(p.last_access("far").iter().all(|name| name.starts_with("heap:")), "{:?}", p.last_access("far"));
    let near = p.last_access("near");
    assert!(near.iter().all(|name| name.starts_with("main:")), "{near:?}");
}

/// What was loaded from one object and is stored in the next is found there.
#[test]
fn what_is_loaded_in_one_turn_of_a_loop_is_stored_in_the_next() {
    let p = program(
        "struct node { struct node *next; char *text; } a, b; char one, other;
         void shift(struct node *n) { char *text = 0; while (n) { char *own = n->text; n->text = text; text = own; n = n->next; } }
         char get(void) { return *b.text; }
         int main(int n, char **v) { a.next = &b; a.text = &one; b.text = &other; shift(&a); return get(); }",
    );
    assert!(p.last_access("get").contains("one"), "{:?}", p.last_access("get"));
}

/// What functions with variable arguments print in one call is not what they do in others.
#[test]
fn what_is_formatted_in_one_call_is_not_in_another() {
    let p = program(
        "#include <stdarg.h>
         #include <string.h>
         struct s { int *p; int more[4]; } one, other, to_one, to_other;
         int shown, hidden;
         static void put(char *to, char *from, int n) { char own[4]; own[n & 3] = n; while (own[1]-- > 0) n += 8; memcpy(to, from, n); }
         static void vformat(char *to, int n, va_list list) { put(to, va_arg(list, char *), n); }
         static void format(char *to, int n, ...) { va_list list; va_start(list, n); vformat(to, n, list); va_end(list); }
         int get(void) { return *to_one.p; }
         int main(int n, char **v) {
             one.p = &shown; other.p = &hidden;
             format((char *)&to_one, n, &one); format((char *)&to_other, n, &other);
             return get();
         }",
    );
    assert_eq!(p.last_access("get"), set(&["shown"]));
}

/// So many bytes from an unknown place get to where they are copied, and to no other member.
#[test]
fn a_copy_from_an_unknown_place_reaches_the_members_copied_to() {
    let p = program(
        "#include <string.h>
         struct str { long len; int *data; }; struct rc { struct str pattern; int n; struct str err; } rc;
         struct mixed { int *p[3]; long n; char text[16]; } from; int shown, hidden;
         int get(void) { return *rc.pattern.data; }
         int err(void) { return *rc.err.data; }
         int main(int n, char **v) {
             rc.err.data = &shown; rc.n = n;
             *(int **)((char *)&from + n * 8) = &hidden;
             memcpy(&rc.pattern, (char *)&from + n, sizeof rc.pattern);
             return get() + err();
         }",
    );
    assert_eq!(p.last_access("get"), set(&["hidden"]));
    assert_eq!(p.last_access("err"), set(&["shown"]));
}
