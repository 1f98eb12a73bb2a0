// Signals that a child sends while its parent only computes: each is handled once, in their order, and none in the handler of another.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
enum { SIGNALS = 20 };
static volatile int got[SIGNALS], count, inside, nested, blocked_there;
static void handler(int s, siginfo_t *info, void *context) {
  sigset_t now;
  nested += inside++ != 0;
  sigprocmask(SIG_BLOCK, NULL, &now);
  blocked_there += sigismember(&now, s);
  time(NULL);
  if (count < SIGNALS) got[count++] = info->si_value.sival_int;
  inside--;
}
int main(void) {
  struct sigaction a;
  memset(&a, 0, sizeof a);
  a.sa_sigaction = handler; a.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGRTMIN, &a, NULL);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    for (int i = 0; i < SIGNALS; i++) sigqueue(parent, SIGRTMIN, (union sigval){ .sival_int = i });
    _exit(0);
  }
  unsigned long sum = 1;
  for (long i = 0; i < 100000000; i++) sum = (sum ^ i) * 6364136223846793005ul;
  int status, wrong = 0;
  waitpid(child, &status, 0);
  for (int i = 0; i < SIGNALS; i++) wrong += got[i] != i;
  printf("%d signals, %d out of order, %d nested, %d blocked, %lu\n", count, wrong, nested, blocked_there, sum);
  return 0;
}
