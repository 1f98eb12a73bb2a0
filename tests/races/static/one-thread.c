// No thread starts: nothing races, with or without handlers of signals.
//# races: none
#include <signal.h>
static int counter;
static volatile sig_atomic_t stop;
static void on_signal(int s) { stop = s; counter++; }
int main(void) {
  signal(SIGINT, on_signal);
  counter++;
  return stop;
}
