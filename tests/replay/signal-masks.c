// No handler is interrupted by its own signal or by those in its mask, wherever it came; and jumps out of it bring the mask back.
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
static volatile int inside, nested, unmasked, runs, again, jumped;
static volatile long spin;
static sigjmp_buf back;
static int blocked(int s) { sigset_t m; sigprocmask(SIG_BLOCK, NULL, &m); return sigismember(&m, s); }
static void handler(int s) {
  nested += inside++ != 0;
  unmasked += !blocked(SIGALRM) || !blocked(SIGUSR1);
  if (runs % 3 == 0) raise(SIGUSR1);
  for (int i = 0; i < 200; i++) spin++;
  usleep(runs % 4 == 0 ? 15000 : 1000);
  runs++;
  inside--;
}
static void reenters(int s) { if (again++ < 3) raise(s); }
static void jumps(int s) { for (int i = 0; i < 1000; i++) spin++; siglongjmp(back, s); }
static void every(int us) { struct itimerval t = {{0, us}, {0, us}}; setitimer(ITIMER_REAL, &t, NULL); }
int main(void) {
  struct sigaction a;
  memset(&a, 0, sizeof a);
  a.sa_handler = handler;
  sigemptyset(&a.sa_mask); sigaddset(&a.sa_mask, SIGUSR1); sigaddset(&a.sa_mask, SIGALRM);
  sigaction(SIGALRM, &a, NULL); sigaction(SIGUSR1, &a, NULL);
  every(10000);
  while (runs < 20) spin++;
  every(0);
  printf("nested %d unmasked %d, left %d\n", nested, unmasked, blocked(SIGALRM) || blocked(SIGUSR1));
  a.sa_handler = reenters; a.sa_flags = SA_NODEFER; sigaction(SIGUSR2, &a, NULL);
  raise(SIGUSR2); printf("%d\n", again);
  a.sa_handler = jumps; a.sa_flags = 0; sigaction(SIGALRM, &a, NULL);
  every(3000);
  while (jumped < 5) {
    if (sigsetjmp(back, 1) == 0) { for (;;) spin++; }
    jumped++;
  }
  every(0);
  printf("%d %d\n", jumped, blocked(SIGALRM));
  return 0;
}
