// Inline assembly that computes with numbers of the environment, which may be addresses for all that anybody knows.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
int main(void) {
  struct timespec now;
  unsigned long quotient, rest, high, low;
  clock_gettime(CLOCK_REALTIME, &now);
  // A number that came from where an address may be.
  char *name = strdup(getenv("PATH"));
  unsigned long number = (unsigned long)getenv("PATH") % 1000 + (unsigned long)now.tv_nsec + strlen(name);
  __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "0"(number), "1"(0UL), "rm"(10UL));
  __asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(number), "rm"((unsigned long)getenv("PATH")));
  __asm__("addq %5, %1\n\tadcq %3, %0" : "=r"(high), "=&r"(low) : "0"(high), "rme"(rest), "1"(low), "rme"(quotient) : "cc");
  printf("%d %d\n", quotient * 10 + rest == number, rest < 10);
  return high == 1 && low == 1;
}
