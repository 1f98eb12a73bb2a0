// Signals without threads: raise, alarm that interrupts a sleep, a flag polled in a loop.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
static volatile sig_atomic_t usr, alarms; static sigjmp_buf out;
static void on_usr(int s) { usr += s == SIGUSR1; }
static void on_alarm(int s) { (void)s; alarms++; }
static void on_int(int s) { (void)s; siglongjmp(out, 5); }
int main(void) {
  struct sigaction sa; memset(&sa, 0, sizeof sa); sa.sa_handler = on_usr; sigaction(SIGUSR1, &sa, NULL);
  raise(SIGUSR1); kill(getpid(), SIGUSR1); printf("%d\n", (int)usr);
  signal(SIGALRM, on_alarm); struct itimerval t = {{0, 20000}, {0, 20000}}; setitimer(ITIMER_REAL, &t, NULL);
  while (alarms < 3) { }
  int r = pause(); printf("%d %d\n", r, errno == EINTR);
  memset(&t, 0, sizeof t); setitimer(ITIMER_REAL, &t, NULL);
  signal(SIGINT, on_int); int j = sigsetjmp(out, 1); if (j == 0) raise(SIGINT); printf("%d\n", j);
  return 0;
}
