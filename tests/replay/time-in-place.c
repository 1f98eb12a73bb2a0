// Functions of the library change what others of it have returned: digests see the copies.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(void) {
  time_t now = 1000000;
  time_t utc = mktime(gmtime(&now));
  struct tm *later = localtime(&now);
  later->tm_mon += 14;
  time_t then = mktime(later);
  struct tm *again = gmtime(&then);
  char *block = malloc(64);
  block[0] = 1;
  printf("%ld %ld %d %d\n", (long)utc, (long)then, again->tm_year, block[0]);
  mktime(again);
  return 0;
}
