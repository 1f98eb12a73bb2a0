// Signals by the functions of System V: handlers that run once, that are held, that are ignored.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void (*bsd_signal(int, void (*)(int)))(int);

static volatile sig_atomic_t seen[65];
static volatile sig_atomic_t order;

static void count(int s) {
    seen[s]++;
    order = order * 3 + s;
}

static void alarmed(int s) {
    count(s);
}

int main(int argc, char **argv) {
    void (*before)(int) = sysv_signal(SIGUSR1, count);
    raise(SIGUSR1);
    printf("%d %d\n", before == SIG_DFL, seen[SIGUSR1]);
    before = sigset(SIGUSR1, count);
    printf("once: %d\n", before == SIG_DFL);
    raise(SIGUSR1);
    raise(SIGUSR1);
    printf("%d\n", seen[SIGUSR1]);
    before = sigset(SIGUSR1, SIG_HOLD);
    printf("held: %d\n", before == count);
    raise(SIGUSR1);
    printf("%d\n", seen[SIGUSR1]);
    before = sigset(SIGUSR1, count);
    printf("%d %d\n", before == SIG_HOLD, seen[SIGUSR1]);
    bsd_signal(SIGUSR2, count);
    gsignal(SIGUSR2);
    ssignal(SIGHUP, count);
    gsignal(SIGHUP);
    printf("%d %d\n", seen[SIGUSR2], seen[SIGHUP]);
    sighold(SIGHUP);
    raise(SIGHUP);
    printf("%d", seen[SIGHUP]);
    sigrelse(SIGHUP);
    printf(" %d\n", seen[SIGHUP]);
    sigignore(SIGHUP);
    raise(SIGHUP);
    struct sigaction now;
    sigaction(SIGHUP, NULL, &now);
    printf("%d %d\n", seen[SIGHUP], now.sa_handler == SIG_IGN);
    sigset(SIGALRM, alarmed);
    ualarm(20000, 0);
    while (!seen[SIGALRM]) pause();
    printf("%d %d\n", sigset(SIGKILL, count) == SIG_ERR, sysv_signal(1000, count) == SIG_ERR);
    printf("%d %d\n", seen[SIGALRM], order != 0);
    return argv[0] == NULL;
}
