// A handler of SIGABRT that returns: the program ends all the same.
//# signal: 6
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/times.h>
#include <time.h>
static void prints(int s) { printf("handler %d %d\n", s, time(NULL) > 0); fflush(stdout); }
int main(void) {
  // What only the library boundary has to log.
  long sum = 0;
  for (int i = 0; i < 500; i++) sum += times(NULL) + clock();
  signal(SIGABRT, prints);
  printf("%d\n", sum > 0);
  abort();
}
