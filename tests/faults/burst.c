// Two timers whose signals come close together, in the middle of calls and of each other's
// handlers. The output tells in which order and where they were handled.
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms, profs;
static volatile unsigned order = 1, round;

static void note(unsigned what) { order = order * 31 + what + round % 7; }

static void on_alarm(int s) {
  note((unsigned)s);
  if (alarms % 7 == 0)
    note(getppid() < 0);
  alarms++;
  note(1);
}

static void on_prof(int s) {
  note((unsigned)s);
  note(getppid() < 0);
  profs++;
  note(2);
}

int main(void) {
  struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
  signal(SIGALRM, on_alarm);
  signal(SIGPROF, on_prof);
  setitimer(ITIMER_REAL, &often, NULL);
  setitimer(ITIMER_PROF, &often, NULL);
  while (alarms < 1500 || profs < 20) {
    round++;
    if (round % 3 == 0)
      getppid();
  }
  setitimer(ITIMER_REAL, &never, NULL);
  setitimer(ITIMER_PROF, &never, NULL);
  printf("%d alarms, %d times, order %08x, round %u\n", (int)alarms, (int)profs, order, round);
  return 0;
}
