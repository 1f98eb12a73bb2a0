// Handlers on the alternate stack, of signals that come during a call and between calls, and one in another.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
enum { SIZE = 65536 };
static char *stack, area[SIZE];
static volatile int ticks, right, deep;
static int on_it(void) {
  char here;
  stack_t now;
  sigaltstack(NULL, &now);
  return &here >= stack && &here < stack + SIZE && (now.ss_flags & SS_ONSTACK);
}
static void tick(int s) { ticks++; right += on_it(); }
static void outer(int s) { deep = on_it(); raise(SIGUSR2); }
static void inner(int s) { deep = deep * 10 + on_it(); }
static void off(int s) { deep = 5 + on_it(); }
static void use(char *at) { stack = at; stack_t new = { .ss_sp = at, .ss_size = SIZE }; sigaltstack(&new, NULL); }
static void handle(int s, void (*f)(int), int flags) {
  struct sigaction a;
  memset(&a, 0, sizeof a);
  a.sa_handler = f; a.sa_flags = flags;
  sigaction(s, &a, NULL);
}
int main(void) {
  char own[SIZE];
  char *const stacks[] = { area, own };
  for (int i = 0; i < 2; i++) {
    use(stacks[i]);
    handle(SIGALRM, tick, SA_ONSTACK); handle(SIGUSR1, outer, SA_ONSTACK); handle(SIGUSR2, inner, 0);
    kill(getpid(), SIGALRM); raise(SIGALRM);
    struct itimerval t = {{0, 2000}, {0, 2000}}, none = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &t, NULL);
    while (ticks < 8) { }
    setitimer(ITIMER_REAL, &none, NULL);
    printf("%d", right == ticks);
    raise(SIGUSR1); printf(" %d", deep);
    handle(SIGUSR1, off, 0); raise(SIGUSR1); printf(" %d\n", deep);
    ticks = right = 0;
  }
  stack_t none = { .ss_flags = SS_DISABLE };
  sigaltstack(&none, NULL);
  // What only the library boundary has to log.
  static char noise[256];
  for (int i = 0; i < 4; i++) printf("%d\n", getentropy(noise, sizeof noise));
  return 0;
}
