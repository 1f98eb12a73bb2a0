/* A program as the pass would leave it: every environment call goes through the hooks by hand.
   argv[1]: exit | abort | kill | signal | big | refuse | jump */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int __itarget_start(int, char **, char **, void *);
int __itarget_enter(int);
void __itarget_leave(void);
long __itarget_val(long);
void __itarget_bytes(void *, long);
void __itarget_cstr(void *);
long __itarget_ld(void *, int, int);
long __itarget_ck(void *, int, int);
void *__itarget_malloc(long, int);
void *__itarget_calloc(long, long, int);
void *__itarget_realloc(void *, long, int);
char *__itarget_copy(char *, long, int);
void __itarget_free(void *);
void __itarget_exit(int) __attribute__((noreturn));
void __itarget_abort(void) __attribute__((noreturn));
void __itarget_refuse(int);
int __itarget_atexit(void (*)(void));
void *__itarget_signal(int, void *);
int __itarget_sigsetjmp(void *, int) __attribute__((returns_twice));
void __itarget_longjmp(void *, int) __attribute__((noreturn));
void __itarget_qsort(void *, unsigned long, unsigned long, void *);
char *__itarget_setlocale(int, const char *);
const unsigned short **__itarget_ctype_b_loc(void);
int __itarget_setenv(const char *, const char *, int);

extern unsigned __itarget_ctl[];

char big[1 << 20];
static unsigned long mixed_up = 14695981039346656037UL;
static int caught;
/* One mixed object: bytes 8 to 16 are the environment's. */
unsigned long __itarget_mixed[] = {1, 0, 8, 16, 0};
unsigned long __itarget_globals[] = {1, (unsigned long)&mixed_up, 8};

static void note(unsigned long v) {
    mixed_up = (mixed_up ^ v) * 1099511628211UL;
}

/* Output is an environment call without results; at replay it is shown again. */
static void show(const char *s) {
    if (__itarget_enter(1)) {
        write(1, s, strlen(s));
        __itarget_leave();
    } else {
        write(1, s, strlen(s));
    }
}

static long now(void) {
    struct timespec t = {0, 0};
    if (__itarget_enter(2)) {
        clock_gettime(CLOCK_REALTIME, &t);
        __itarget_leave();
    }
    __itarget_bytes(&t, sizeof t);
    return t.tv_nsec;
}

static void take(char *to, long n) {
    long r = 0;
    if (__itarget_enter(3)) {
        int fd = open("/dev/urandom", O_RDONLY);
        for (long k = 0; k < n; k += r) r = read(fd, to + k, n - k);
        close(fd);
        r = n;
        __itarget_leave();
    }
    r = __itarget_val(r);
    __itarget_bytes(to, r);
}

static void handler(int s) {
    caught++;
    note(s + now());
}

static void raise_in_call(void) {
    if (__itarget_enter(4)) {
        raise(SIGUSR1);
        __itarget_leave();
    }
}

static int order(const void *a, const void *b) {
    unsigned char x = *(unsigned char *)a, y = *(unsigned char *)b;
    return (x > y) - (x < y);
}

static void at_end(void) {
    show("handler\n");
}

static int run(int argc, char **argv, char **envp) {
    (void)envp;
    const char *what = argc > 1 ? argv[1] : "exit";
    char line[200];
    char name[64];
    void *blocks[100];
    int local;
    __itarget_atexit(at_end);
    __itarget_setenv("HOOKS", "yes", 1);
    note((unsigned long)&local);
    note((unsigned long)argv[0]);
    note((unsigned long)getenv("HOOKS"));
    for (int i = 0; i < 2000; i++) {
        char buf[64];
        take(buf, 1 + i % 60);
        for (int k = 0; k <= i % 60; k++) note((unsigned char)buf[k]);
        int slot = (unsigned char)buf[0] % 100;
        if (i < 100) {
            blocks[i] = __itarget_malloc(buf[0] & 63, 0);
            note((unsigned long)blocks[i]);
        } else {
            __itarget_free(blocks[slot]);
            blocks[slot] = __itarget_calloc(1, (unsigned char)buf[0] * 700, 0);
            note((unsigned long)blocks[slot]);
        }
        note(now());
    }
    /* An object with an environment-side field: the field is logged when it is read. */
    char *object = __itarget_calloc(1, 32, 2);
    take(object + 8, 8);
    note(__itarget_ck(object + 8, 8, 5));
    take(object + 16, 8);
    note(__itarget_ck(object + 16, 8, 6));
    /* A block of the environment's own grows into one of ours. */
    char *foreign = 0;
    if (__itarget_enter(7)) {
        foreign = strdup("from libc");
        __itarget_leave();
    }
    foreign = (char *)__itarget_val((long)foreign);
    note(__itarget_ld(foreign, 4, 8));
    foreign = __itarget_realloc(foreign, 100, 0);
    for (int i = 0; i < 10; i++) note(foreign[i]);
    char *where = 0;
    if (__itarget_enter(9)) {
        where = ctime(&(time_t){time(0)});
        __itarget_leave();
    }
    where = __itarget_copy(where, -1, 77);
    note((unsigned long)where);
    for (char *p = where; *p; p++) note(*p);
    if (__itarget_enter(10)) {
        gethostname(name, sizeof name);
        __itarget_leave();
    }
    __itarget_cstr(name);
    note(strlen(name));
    note((unsigned long)__itarget_setlocale(6, "C"));
    note((*__itarget_ctype_b_loc())['a']);

    if (!strcmp(what, "big")) {
        take(big, sizeof big);
        __itarget_qsort(big, sizeof big, 1, order);
        for (unsigned i = 0; i < sizeof big; i++) note(big[i]);
        take(big, 200000);
        take(big + 1, 131072);
        for (unsigned i = 0; i < sizeof big; i++) note(big[i]);
    }
    if (!strcmp(what, "signal")) {
        __itarget_signal(SIGUSR1, handler);
        raise_in_call();
        raise_in_call();
        if (__itarget_ctl[0] == 1) raise(SIGUSR1); /* outside of a call: waits for the next boundary */
        note(now());
        note(caught);
    }
    if (!strcmp(what, "jump")) {
        sigjmp_buf buf;
        volatile int times = 0;
        int r = __itarget_sigsetjmp(buf, 1);
        note(r);
        for (unsigned i = 0; i < sizeof buf; i++) note(((char *)buf)[i]);
        if (times++ < 3) __itarget_longjmp(buf, times);
    }
    if (!strcmp(what, "kill") && __itarget_enter(11)) {
        raise(SIGKILL);
    }
    if (!strcmp(what, "refuse")) {
        __itarget_refuse(12);
        take(line, 100);
    }
    snprintf(line, sizeof line, "%lx %d\n", mixed_up, caught);
    show(line);
    if (!strcmp(what, "abort")) __itarget_abort();
    note(now());
    return 7;
}

int main(int argc, char **argv, char **envp) {
    return __itarget_start(argc, argv, envp, run);
}
