// Functions of the environment change variables, the locale, handlers and what runs at exit: replay space sees it.
//# target: look:at_end:!main:!change
//# target: main:look:!change
//# target: look:!main
#include <ctype.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int found[8], n, caught;

static void on_user(int s) { caught += s; }
static void at_end(void) { found[n++ % 8] = caught; }

__attribute__((noinline)) static void look(const char *name) {
    const char *v = getenv(name);
    found[n++ % 8] = v ? (int)strlen(v) + v[0] + (isalpha((unsigned char)v[0]) != 0) : -1;
}

__attribute__((noinline)) static void change(int how) {
    char text[32];
    snprintf(text, sizeof text, "v%d", (int)getpid());
    if (how == 0) setenv("LOOKED_FOR", text, 1);
    if (how == 1) unsetenv("LOOKED_FOR");
    if (how == 2) { setlocale(LC_ALL, "C"); atexit(at_end); signal(SIGUSR1, on_user); raise(SIGUSR1); }
    if (how == 3) { clearenv(); setenv("ONLY", text, 0); }
}

int main(void) {
    look("LOOKED_FOR");
    for (int how = 0; how < 4; how++) {
        change(how);
        look("LOOKED_FOR");
        look("ONLY");
    }
    printf("%d\n", n);
    return 0;
}
