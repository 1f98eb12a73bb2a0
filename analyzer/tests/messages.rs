//! Pointers that go from one place to another as bytes: in copies, in messages by way of the kernel, with signals; and through
//! sections that the linker makes arrays of.

mod small_programs;

use small_programs::{program, set};

/// What the last access in `get` finds in this program.
fn found(head: &str, put: &str, get: &str) -> std::collections::BTreeSet<String> {
    let p = program(&format!(
        "#define _GNU_SOURCE
         #include <string.h>
         #include <stdio.h>
         #include <unistd.h>
         #include <mqueue.h>
         #include <signal.h>
         #include <time.h>
         #include <sys/epoll.h>
         #include <sys/eventfd.h>
         #include <sys/msg.h>
         #include <sys/socket.h>
         #include <sys/uio.h>
         struct message {{ int op; int *p; }} a, b; int x;
         {head}
         __attribute__((noinline)) void put(int n) {{ {put} }}
         __attribute__((noinline)) void get(int n) {{ {get} }}
         int main(int c, char **v) {{ x = c; put(c); get(c); return 0; }}"
    ));
    p.last_access("get")
}

#[test]
fn structures_are_copied_through_bytes() {
    let x = set(&["x"]);
    let ring = "char ring[256];";
    assert_eq!(found(ring, "a.p = &x; memcpy(ring + n, &a, sizeof a);", "memcpy(&b, ring + n, sizeof b); *b.p = 1;"), x);
    let ring = "struct { long at; char bytes[256]; char *after; } ring;";
    assert_eq!(found(ring, "a.p = &x; memcpy(ring.bytes + n, &a, sizeof a);", "memcpy(&b, ring.bytes + n, sizeof b); *b.p = 1;"), x);
    assert_eq!(found(ring, "a.p = &x; memcpy(ring.bytes + n, &a, n);", "memcpy(&b, ring.bytes + n, n); *b.p = 1;"), x);
    // One array of bytes at the beginning is not all of it.
    let tagged = "char ring[256]; struct { char tag[8]; int *p; } s, t;";
    assert_eq!(found(tagged, "s.p = &x; memcpy(ring + n, &s, sizeof s);", "memcpy(&t, ring + n, sizeof t); *t.p = 1;"), x);
}

#[test]
fn bytes_stay_bytes() {
    let texts = "struct { char text[16]; int *p; } s, t; int y;";
    assert_eq!(found(texts, "s.p = &x; t.p = &y;", "memcpy(t.text, s.text, sizeof t.text); *t.p = 1;"), set(&["y"]));
    assert_eq!(found(texts, "s.p = &x; memcpy(&t, &s, sizeof s);", "*t.p = 1;"), set(&["x"]));
}

#[test]
fn messages_carry_pointers() {
    let x = set(&["x"]);
    for (put, get) in [
        ("write(n, &a, sizeof a);", "read(n, &b, sizeof b);"),
        ("send(n, &a, sizeof a, 0);", "recv(n, &b, sizeof b, 0);"),
        ("sendto(n, &a, sizeof a, 0, 0, 0);", "recvfrom(n, &b, sizeof b, 0, 0, 0);"),
        ("pwrite(n, &a, sizeof a, 0);", "pread(n, &b, sizeof b, 0);"),
        ("mq_send(n, (char *)&a, sizeof a, 0);", "mq_receive(n, (char *)&b, sizeof b, 0);"),
        ("msgsnd(n, &a, 8, 0);", "msgrcv(n, &b, 8, 0, 0);"),
        ("fwrite(&a, 1, sizeof a, stdout);", "fread(&b, 1, sizeof b, stdin);"),
        ("struct iovec v = { &a, sizeof a }; writev(n, &v, 1);", "struct iovec v[2] = { { &b, 4 }, { (char *)&b + 4, 12 } }; readv(n, v, 2);"),
        ("struct iovec v = { &a, sizeof a }; pwritev(n, &v, 1, 0);", "struct iovec v = { &b, sizeof b }; preadv(n, &v, 1, 0);"),
        (
            "struct iovec v = { &a, sizeof a }; struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 }; sendmsg(n, &h, 0);",
            "struct iovec v = { &b, sizeof b }; struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 }; recvmsg(n, &h, 0);",
        ),
        (
            "struct iovec v = { &a, sizeof a }; struct mmsghdr h[2] = { [1].msg_hdr = { .msg_iov = &v, .msg_iovlen = 1 } }; sendmmsg(n, h, 2, 0);",
            "struct iovec v = { &b, sizeof b }; struct mmsghdr h[3] = { [2].msg_hdr = { .msg_iov = &v, .msg_iovlen = 1 } }; recvmmsg(n, h, 3, 0, 0);",
        ),
        ("write(n, &a, n);", "long g = 0; while (g < sizeof b) g += read(n, (char *)&b + g, sizeof b - g);"),
        ("write(n, &a, sizeof a);", "read(n, &b, 4); read(n, (char *)&b + 4, n);"),
    ] {
        assert_eq!(found("", &format!("a.p = &x; {put}"), &format!("{get} *b.p = 1;")), x, "{put} {get}");
    }
    // Texts and structures of the system are no messages.
    assert_eq!(found("#include <sys/stat.h>\n", "a.p = &x; write(n, &a, sizeof a);", "fstat(n, (void *)&b); *b.p = 1;"), set(&[]));
}

#[test]
fn events_and_signals_carry_pointers() {
    let x = set(&["x"]);
    for (put, get) in [
        (
            "struct epoll_event e = { 1, { .ptr = &x } }; epoll_ctl(n, 1, n, &e);",
            "struct epoll_event e[4]; epoll_wait(n, e, 4, 1); *(int *)e[n].data.ptr = 1;",
        ),
        (
            "union sigval v = { .sival_ptr = &x }; sigqueue(n, 40, v);",
            "siginfo_t i; sigwaitinfo(0, &i); *(int *)i.si_value.sival_ptr = 1;",
        ),
        (
            "struct sigevent e = { .sigev_value.sival_ptr = &x }; timer_t t; timer_create(0, &e, &t);",
            "siginfo_t i; sigtimedwait(0, &i, 0); *(int *)i.si_value.sival_ptr = 1;",
        ),
        ("eventfd_write(n, (eventfd_t)&x);", "eventfd_t v; eventfd_read(n, &v); *(int *)v = 1;"),
    ] {
        assert_eq!(found("", put, get), x, "{put} {get}");
    }
    let p = program(
        "#define _GNU_SOURCE
         #include <signal.h>
         int x; void handler(int n, siginfo_t *i, void *u) { *(int *)i->si_value.sival_ptr = 1; }
         int main(void) { struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO }; sigaction(40, &a, 0);
             union sigval v = { .sival_ptr = &x }; sigqueue(1, 40, v); return 0; }",
    );
    assert_eq!(p.last_access("handler"), set(&["ext:siginfo", "x"]));
}

#[test]
fn sections_are_arrays_of_their_variables() {
    let p = program(
        "struct test { const char *name; void (*run)(void); long done; }; void one(void) {} void two(void) {}
         static struct test a __attribute__((used, section(\"tests\"))) = { \"a\", one }, b __attribute__((used, section(\"tests\"))) = { \"b\", two };
         static struct test other __attribute__((used, section(\"others\")));
         extern struct test __start_tests[], __stop_tests[];
         void forth(void) { for (struct test *t = __start_tests; t < __stop_tests; t++) { t->run(); t->done = 1; } }
         void back(void) { struct test *t = __stop_tests; while (t-- > __start_tests) t->done = 2; }
         int main(void) { a.done = b.done = other.done = 1; forth(); back(); return 0; }",
    );
    assert_eq!(p.called("forth"), set(&["one", "two"]));
    assert_eq!(p.last_access_by_type("forth"), set(&["a", "b"]));
    assert_eq!(p.last_access_by_type("back"), set(&["a", "b"]));
}
