#define _GNU_SOURCE
// Results that lie in the library's memory: nl_langinfo gives another address for each item, and numbers in the place of texts for some, as strerror does;
// inet_ntoa always the same. And getdate_err is a variable that getdate sets.
#include <arpa/inet.h>
#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(void) {
  printf("%lu\n", (unsigned long)(uintptr_t)nl_langinfo(_NL_TIME_WEEK_1STDAY));
  printf("%s %d\n", nl_langinfo(DAY_2), nl_langinfo(_NL_TIME_FIRST_WEEKDAY)[0]);
  const char *one = strerror(1), *two = strerror(2);
  printf("%s, %s %d\n", one, two, one == strerror(1));
  struct in_addr a = {htonl(0x7f000001)}, b = {htonl(0x0a000001)};
  const char *first = inet_ntoa(a), *second = inet_ntoa(b);
  printf("%s %d\n", first, first == second);
  setenv("DATEMSK", "/nonexistent", 1);
  int none = getdate("x") == NULL;
  printf("%d %d\n", none, getdate_err);
  return 0;
}
