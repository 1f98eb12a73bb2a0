// Inline assembly that computes with numbers of the environment, which may be addresses for all that anybody knows.
#include <dirent.h>
#include <stdio.h>
#include <time.h>
int main(void) {
  struct timespec now;
  unsigned long quotient, rest, high, low;
  clock_gettime(CLOCK_REALTIME, &now);
  // An address of memory of the library is a number like any other.
  DIR *d = opendir("/");
  unsigned long number = (unsigned long)readdir(d) + (unsigned long)now.tv_nsec % 8;
  __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "0"(number), "1"(0UL), "rm"(10UL));
  __asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(number), "rm"((unsigned long)d));
  __asm__("addq %5, %1\n\tadcq %3, %0" : "=r"(high), "=&r"(low) : "0"(high), "rme"(rest), "1"(low), "rme"(quotient) : "cc");
  printf("%d %d\n", quotient * 10 + rest == number, rest < 10);
  return high == 1 && low == 1;
}
